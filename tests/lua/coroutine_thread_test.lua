-- Coroutines and threads together: preemption inside coroutines, coroutines that several threads resume, and the bottom
-- of a thread, which is no coroutine.
local t = require "testing"
local threading = require "gilua.threading"
local time = require "gilua.time"

local function spin() while true do end end

t.test("a coroutine that computes in one thread lets other threads run", function()
  local spinner = threading.start(function() coroutine.wrap(spin)() end)
  local other = threading.start(function()
    local n = 0
    for _ = 1, 20 do
      time.sleep(0) -- leaves the lock and must get it back
      n = n + 1
    end
    return n
  end)
  t.equal(other:result(t.limit), 20)
  t.equal(spinner:is_alive(), true)
  spinner:cancel()
  spinner:join()
end)

t.test("two threads that compute in nested coroutines take turns", function()
  local counts = { 0, 0 }
  local threads = t.start(2, function(i)
    coroutine.wrap(function()
      coroutine.wrap(function()
        while counts[1] < 10000 or counts[2] < 10000 do counts[i] = counts[i] + 1 end
      end)()
    end)()
  end)
  t.join(threads)
end)

t.test("a thread that switches coroutines all the time lets other threads run", function()
  local stop = false
  local switcher = threading.start(function()
    local co = coroutine.wrap(function() while true do coroutine.yield() end end)
    while not stop do co() end
  end)
  local maker = threading.start(function()
    while not stop do coroutine.wrap(function() end)() end
  end)
  for _ = 1, 10 do time.sleep(0) end -- main gets the lock back each time
  stop = true
  t.join { switcher, maker }
end)

t.test("yield in a thread's main function says that it is outside a coroutine", function()
  local ok, err = threading.start(pcall, coroutine.yield):result()
  t.equal(ok, false)
  t.equal(err, "attempt to yield from outside a coroutine")
  ok, err = threading.start(function() return pcall(function() coroutine.yield(1) end) end):result()
  t.equal(ok, false)
  t.equal(err, "attempt to yield from outside a coroutine")
end)

t.test("running in a thread's main function gives true, in its coroutines false", function()
  local co, is_main, yieldable, inner, is_main_inner = threading.start(function()
    local co, is_main = coroutine.running()
    return co, is_main, coroutine.isyieldable(), coroutine.wrap(function() return coroutine.running() end)()
  end):result()
  t.equal(type(co), "thread")
  t.equal(is_main, true)
  t.equal(yieldable, false)
  t.equal(type(inner), "thread")
  t.equal(is_main_inner, false)
  t.equal(co ~= inner and co ~= coroutine.running(), true)
end)

t.test("the bottom of a thread can be neither resumed nor closed by others", function()
  local gate, base = threading.Event(), nil
  local thread = threading.start(function()
    base = coroutine.running()
    gate:wait(t.limit)
    return "result"
  end)
  t.parked(thread, "event")
  local ok, err = coroutine.resume(base)
  t.equal(ok, false)
  t.equal(err, "cannot resume non-suspended coroutine")
  t.raises("cannot close a normal coroutine", coroutine.close, base)
  t.equal(coroutine.status(base), "normal")
  gate:set()
  t.equal(thread:result(), "result")
  t.eventually(function() return coroutine.status(base) == "dead" end)
  t.equal(select(2, coroutine.resume(base)), "cannot resume dead coroutine")
end)

t.test("a coroutine that runs in one thread is normal to the others", function()
  local gate = threading.Event()
  local co = coroutine.create(function() gate:wait(t.limit) return "end" end)
  local thread = threading.start(coroutine.resume, co)
  t.parked(thread, "event")
  t.equal(coroutine.status(co), "normal")
  t.equal(select(2, coroutine.resume(co)), "cannot resume non-suspended coroutine")
  t.raises("cannot close a normal coroutine", coroutine.close, co)
  t.equal(debug.traceback(co):find("in method 'wait'", 1, true) ~= nil, true)
  gate:set()
  t.equal(select(2, thread:result()), "end")
  t.equal(coroutine.status(co), "dead")
end)

t.test("a wrapped coroutine that another thread runs refuses, and is not closed by that", function()
  local gate, closed = threading.Event(), false
  local f = coroutine.wrap(function()
    local _ <close> = setmetatable({}, { __close = function() closed = true end })
    gate:wait(t.limit)
    return "end"
  end)
  local thread = threading.start(f)
  t.parked(thread, "event")
  t.raises("cannot resume non%-suspended coroutine", f)
  t.equal(closed, false)
  gate:set()
  t.equal(thread:result(), "end")
  t.equal(closed, true)
end)

t.test("a coroutine goes on in another thread, also after the end of the first", function()
  local f = coroutine.wrap(function()
    local seen = {}
    for i = 1, 4 do
      seen[i] = threading.get_ident()
      coroutine.yield(seen)
    end
  end)
  local idents = {}
  for i = 1, 3 do
    local thread = threading.start(f)
    idents[i] = thread.ident
    thread:result()
  end
  idents[4] = threading.get_ident()
  local seen = f()
  for i = 1, 4 do t.equal(seen[i], idents[i]) end
end)

t.test("a generator that threads share under a lock gives each value once", function()
  t.at_intervals(function()
    local lock = threading.Lock()
    local generate = coroutine.wrap(function()
      for i = 1, 1000 do
        local _ = { i } -- work
        coroutine.yield(i)
      end
      while true do coroutine.yield(nil) end
    end)
    local got, sum = 0, 0
    t.join(t.start(4, function()
      while true do
        local value = lock:with(generate)
        if not value then return end
        lock:with(function()
          got = got + 1
          sum = sum + value
        end)
      end
    end))
    t.equal(got, 1000)
    t.equal(sum, 500500)
  end)
end)

t.test("coroutines that are resumed by whoever comes first keep their state", function()
  t.at_intervals(function()
    local todo, done = {}, {}
    for i = 1, 20 do
      todo[i] = coroutine.create(function()
        local sum = 0
        for k = 1, 60 do
          local part = pcall(function() coroutine.yield(k) end) and k or 0
          sum = sum + part + #("x"):rep(k) - k
        end
        assert(sum == 60 * 61 // 2)
        done[i] = true
      end)
    end
    t.join(t.start(4, function()
      while true do
        local co = table.remove(todo) -- C: nobody comes between
        if not co then return end
        assert(coroutine.resume(co))
        if coroutine.status(co) ~= "dead" then table.insert(todo, 1, co) end
      end
    end))
    -- a thread may have left while the last ones were out
    for _, co in ipairs(todo) do
      while coroutine.status(co) ~= "dead" do assert(coroutine.resume(co)) end
    end
    t.equal(#done, 20)
  end)
end)

t.test("many coroutines a thread, deep and wide, at any switch interval", function()
  t.at_intervals(function()
    local function nest(n)
      if n == 0 then return 1 end
      local f = coroutine.wrap(function()
        coroutine.yield(0)
        return nest(n - 1) + 1
      end)
      f()
      return f()
    end
    for _, thread in ipairs(t.start(4, function()
      local sum = 0
      for _ = 1, 20 do sum = sum + nest(30) end
      return sum
    end)) do t.equal(thread:result(), 620) end
  end)
end)

t.test("close handlers of a coroutine run in the thread that closes it, and may wait there", function()
  local ident
  local co = coroutine.create(function()
    local _ <close> = setmetatable({}, { __close = function()
      time.sleep(0.001)
      ident = threading.get_ident()
    end })
    coroutine.yield()
  end)
  coroutine.resume(co)
  local thread = threading.start(coroutine.close, co)
  t.equal(thread:result(), true)
  t.equal(ident, thread.ident)
end)

t.test("waits inside coroutines wait in the thread that runs them", function()
  local lock = threading.Lock()
  lock:acquire()
  local thread = threading.start(coroutine.wrap(function()
    local _ <close> = lock:hold()
    return "held"
  end))
  t.parked(thread, "lock")
  lock:release()
  t.equal(thread:result(), "held")
end)

t.test("a coroutine whose thread was cancelled inside it is dead", function()
  local flag = threading.Event()
  local co = coroutine.create(function()
    flag:set()
    while true do end
  end)
  local thread = threading.start(function()
    local ok, err = coroutine.resume(co)
    error(err)
  end)
  flag:wait(t.limit)
  thread:cancel()
  t.equal(thread:join(t.limit), true)
  t.raises_kind("cancelled", thread.result, thread)
  t.equal(coroutine.status(co), "dead")
end)

t.test("suspended coroutines of ended threads are collected", function()
  local weak = setmetatable({}, { __mode = "v" })
  threading.start(function()
    for i = 1, 50 do
      local co = coroutine.create(function() coroutine.yield() end)
      coroutine.resume(co)
      weak[i] = co
    end
  end):result()
  collectgarbage()
  t.equal(next(weak), nil)
end)

t.finish()
