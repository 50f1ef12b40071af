-- threading.Timer: a thread that calls its function later, unless it is called off.
local t = require "testing"
local threading = require "gilua.threading"
local time = require "gilua.time"

t.test("a timer calls its function with its arguments, not before its time", function()
  local timer = threading.Timer(0.03, function(...) return time.monotonic(), ... end, { "a", "b" })
  local t0 = time.monotonic()
  timer:start()
  local at, a, b = timer:result(t.limit)
  t.near(at - t0, 0.0299, t.limit)
  t.equal(a, "a")
  t.equal(b, "b")
end)

t.test("a timer does not begin before it is started", function()
  local called = false
  local timer = threading.Timer(0, function() called = true end)
  time.sleep(0.01) -- shows that nothing happens
  t.equal(called, false)
  t.equal(timer:is_alive(), false)
  t.raises("not started", timer.join, timer)
  t.equal(timer:start(), timer)
  t.equal(timer:join(t.limit), true)
  t.equal(called, true)
end)

t.test("a timer that is cancelled in time never calls", function()
  local called = false
  local timer = threading.Timer(t.limit, function() called = true end):start()
  t.parked(timer, "timer")
  t.equal(timer:is_alive(), true)
  timer:cancel()
  t.equal(timer:join(t.limit), true)
  t.equal(called, false)
  t.equal(timer:is_alive(), false)
  t.equal(select("#", timer:result()), 0)
end)

t.test("a timer that is cancelled right after its start never calls", function()
  for _ = 1, 50 do
    local called = false
    local timer = threading.Timer(t.limit, function() called = true end):start()
    timer:cancel()
    t.equal(timer:join(t.limit), true)
    t.equal(called, false)
  end
end)

t.test("a timer that is cancelled before its start never calls", function()
  local called = false
  local timer = threading.Timer(0, function() called = true end)
  t.equal(timer:cancel(), true)
  timer:start()
  t.equal(timer:join(t.limit), true)
  t.equal(called, false)
end)

t.test("a cancel after the call changes nothing", function()
  local timer = threading.Timer(0, function() return "done" end):start()
  t.equal(timer:result(t.limit), "done")
  timer:cancel()
  timer:cancel()
  t.equal(timer:result(), "done")
end)

t.test("a timer that is calling is not cancelled", function()
  local gate = threading.Event()
  local timer = threading.Timer(0, function() gate:wait() return "done" end):start()
  t.parked(timer, "event")
  t.equal(timer:cancel("late"), false)
  gate:set()
  t.equal(timer:result(t.limit), "done")
end)

t.test("a timer does not wait for one that was started before it", function()
  local late = threading.Timer(t.limit, error, { "not called off" }):start()
  t.parked(late, "timer")
  local early = threading.Timer(0.001, function()
    late:cancel()
    return "called"
  end):start()
  t.equal(early:result(t.limit), "called")
  t.equal(late:join(t.limit), true)
  late:result()
end)

t.test("a hundred timers of the same time all call", function()
  local timers = {}
  for i = 1, 100 do timers[i] = threading.Timer(0.01, function() return i end):start() end
  for i = 1, 100 do t.equal(timers[i]:result(t.limit), i) end
end)

t.test("a timer is a thread: it has a name and a flag, is listed, and starts once", function()
  local timer = threading.Timer(t.limit, print)
  timer.name, timer.daemon = "later", true
  timer:start()
  t.raises("only once", timer.start, timer)
  t.equal(timer.name, "later")
  t.equal(timer.daemon, true)
  local listed = false
  for _, thread in ipairs(threading.enumerate()) do listed = listed or thread == timer end
  t.equal(listed, true)
  t.equal(timer:join(0), false)
  timer:cancel()
  timer:join()
end)

t.test("a timer takes arguments with nil among them if their number is told", function()
  local timer = threading.Timer(0, function(...) return select("#", ...), (select(3, ...)) end, { 1, nil, 3, n = 4 })
  local n, third = timer:start():result(t.limit)
  t.equal(n, 4)
  t.equal(third, 3)
end)

t.test("an error in a timer goes to the hook and to the result", function()
  local old, seen = threading.excepthook, nil
  threading.excepthook = function(thread, err) seen = tostring(thread == threading.current_thread()) .. " " .. err end
  local timer = threading.Timer(0, error, { "late error", 0 }):start()
  timer:join(t.limit)
  threading.excepthook = old
  t.equal(seen, "true late error")
  t.raises("late error", timer.result, timer)
end)

t.test("wrong arguments are errors at once", function()
  t.raises("negative or NaN", threading.Timer, -1, print)
  t.raises("negative or NaN", threading.Timer, 0 / 0, print)
  t.raises("number expected", threading.Timer, "soon", print)
  t.raises("function expected", threading.Timer, 1, "print")
  t.raises("table expected", threading.Timer, 1, print, "args")
end)

t.test("a cancel races with the call: either it calls once and has the result, or never", function()
  local called, off = 0, 0
  for i = 1, 200 do
    local n = 0
    local timer = threading.Timer(i % 4 * 5e-5, function()
      n = n + 1
      return "called"
    end):start()
    if i % 2 == 0 then time.sleep(1e-4) end
    timer:cancel()
    t.equal(timer:join(t.limit), true)
    local ok, result = pcall(timer.result, timer)
    if result == "called" then
      t.equal(n, 1)
      called = called + 1
    else
      -- an error only if the cancel met the function while it ran
      t.equal(ok and n or 0, 0)
      off = off + 1
    end
  end
  t.equal(called + off, 200)
end)

t.test("arguments that do not stand in a table are an error", function()
  t.raises("bad argument #4 to '[%w.]*Timer' %(no value expected", threading.Timer, 1, print, {}, 2)
end)

t.finish()
