-- gilua.futures.Future: states, results, errors, cancelling, callbacks. Behaviours 61 to 64.
local t = require "testing"
local gilua = require "gilua"
local futures = require "gilua.futures"
local threading = require "gilua.threading"

local Future = futures.Future

local function decided(kind)
  local f = Future()
  if kind == "done" then f:set_result(1)
  elseif kind == "failed" then f:set_exception("broken")
  elseif kind == "cancelled" then f:cancel()
  elseif kind == "running" then f:set_running() end
  return f
end

t.test("every state answers done, running and cancelled", function()
  for kind, want in pairs { pending = "fff", running = "ftf", done = "tff", failed = "tff", cancelled = "tft" } do
    local f = decided(kind)
    local got = ""
    for _, answer in ipairs { f:done(), f:running(), f:cancelled() } do got = got .. (answer and "t" or "f") end
    t.equal(got, want, kind)
  end
end)

t.test("cancel says whether it is cancelled, again and again (61)", function()
  for kind, want in pairs { pending = true, running = false, done = false, failed = false, cancelled = true } do
    local f = decided(kind)
    t.equal(f:cancel(), want, kind)
    t.equal(f:cancel(), want, kind)
    t.equal(f:cancelled(), want, kind)
  end
end)

t.test("result and exception with timeout 0 do not wait (62)", function()
  for _, method in ipairs { "result", "exception" } do
    for _, kind in ipairs { "pending", "running" } do
      local f = decided(kind)
      t.raises_kind("timeout", f[method], f, 0)
      t.raises_kind("timeout", f[method], f, 0.001)
    end
    local f = decided "cancelled"
    t.raises_kind("cancelled", f[method], f, 0)
  end
  t.equal(decided "done":result(0), 1)
  t.equal(decided "failed":exception(0), "broken")
  t.equal(decided "done":exception(0), nil)
end)

t.test("wait tells whether it is decided, and raises nothing", function()
  for _, kind in ipairs { "pending", "running" } do
    t.equal(decided(kind):wait(0), false)
    t.equal(decided(kind):wait(0.001), false)
  end
  for _, kind in ipairs { "done", "failed", "cancelled" } do t.equal(decided(kind):wait(), true) end
end)

t.test("timeouts are checked", function()
  local f = decided "done"
  for _, bad in ipairs { -1, 0 / 0, "x", 1e300 } do
    t.raises("bad argument", f.result, f, bad)
    t.raises("bad argument", f.wait, f, bad)
  end
end)

t.test("a result has any number of values, nil among them, and may be asked for again and again", function()
  for _, values in ipairs { {}, { 1 }, { nil, n = 1 }, { 1, nil, 3, nil, n = 4 }, { 1, 2, 3, 4, 5, 6 } } do
    local f, n = Future(), values.n or #values
    f:set_result(table.unpack(values, 1, n))
    for _ = 1, 2 do
      local got = table.pack(f:result())
      t.equal(got.n, n)
      for i = 1, n do t.equal(got[i], values[i]) end
    end
  end
  local many = {}
  for i = 1, 5000 do many[i] = i end
  local f = Future()
  f:set_result(table.unpack(many))
  t.equal(select("#", f:result()), 5000)
  t.equal((select(5000, f:result())), 5000)
end)

t.test("any value can be the error, and is raised as it was", function()
  for _, value in ipairs { "text", 12, true, {}, print } do
    local f = Future()
    f:set_exception(value)
    local ok, err = pcall(f.result, f)
    t.equal(ok, false)
    t.equal(err, value)
    t.equal(f:exception(), value)
  end
end)

t.test("the traceback that comes with an error is that of traceback_of (90)", function()
  local f = Future()
  f:set_exception("broken", "stack traceback:\n\tfar away")
  local ok, err = pcall(f.result, f)
  t.equal(ok, false)
  t.equal(gilua.traceback_of(err), "stack traceback:\n\tfar away")
end)

t.test("deciding twice raises invalid_state that names the state, and the first outcome stays (64)", function()
  for _, kind in ipairs { "done", "failed", "cancelled" } do
    local f = decided(kind)
    for _, call in ipairs { { "set_result", 2 }, { "set_exception", "again" } } do
      local err = t.raises_kind("invalid_state", f[call[1]], f, call[2])
      t.equal(err.state, kind)
      t.equal(err.message:find(kind, 1, true) ~= nil, true, err.message)
    end
  end
  t.equal(decided "done":result(), 1)
end)

t.test("set_running refuses what was cancelled, and what runs or is decided is an error", function()
  t.equal(Future():set_running(), true)
  t.equal(decided "cancelled":set_running(), false)
  for _, kind in ipairs { "running", "done", "failed" } do
    local f = decided(kind)
    t.equal(t.raises_kind("invalid_state", f.set_running, f).state, kind)
  end
end)

t.test("a future of a pool is not to be decided by hand", function()
  local pool <close> = futures.ThreadPoolExecutor { max_workers = 1 }
  local f = pool:submit(math.abs, -1)
  t.raises_kind("invalid_state", f.set_result, f, 2)
  t.equal(f:result(), 1)
  t.raises_kind("invalid_state", f.set_result, f, 2)
end)

t.test("everybody who waits gets the result", function()
  local f = Future()
  local threads = t.start(5, function() return f:result() end)
  t.parked(threads, "future")
  f:set_result("x")
  for _, thread in ipairs(threads) do t.equal(thread:result(), "x") end
end)

t.test("a cancel ends every wait", function()
  local f = Future()
  local threads = t.start(3, function() return select(2, pcall(f.result, f)).kind end)
  t.parked(threads, "future")
  t.equal(f:cancel(), true)
  for _, thread in ipairs(threads) do t.equal(thread:result(), "cancelled") end
end)

t.test("a thread that waits for a result can be cancelled", function()
  local f = Future()
  local thread = threading.start(function() return select(2, pcall(f.result, f)).message end)
  t.parked(thread, "future")
  thread:cancel("enough")
  t.equal(thread:result(), "enough")
  t.equal(f:done(), false)
end)

t.test("a callback that is added late runs at once in the caller (63)", function()
  for _, kind in ipairs { "done", "failed", "cancelled" } do
    local f, got, who = decided(kind), nil, nil
    f:add_done_callback(function(x) got, who = x, threading.get_ident() end)
    t.equal(got, f, kind)
    t.equal(who, threading.get_ident())
  end
end)

t.test("callbacks run once each, in their order, in one thread that is no caller's (63, 77)", function()
  local f, order, idents = Future(), {}, {}
  for i = 1, 20 do
    f:add_done_callback(function(x)
      t.equal(x, f)
      order[#order + 1] = i
      idents[threading.get_ident()] = true
    end)
  end
  f:set_result()
  t.eventually(function() return #order == 20 end)
  for i = 1, 20 do t.equal(order[i], i) end
  t.equal(idents[threading.get_ident()], nil)
  local ident = next(idents)
  t.equal(next(idents, ident), nil)
end)

t.test("an error in a callback goes to the hook, and the others run (63)", function()
  local hook, calls, ran, want = threading.excepthook, {}, 0, 0
  threading.excepthook = function(thread, err, traceback) calls[#calls + 1] = { thread, err, traceback } end
  local restore <close> = setmetatable({}, { __close = function() threading.excepthook = hook end })
  for _, late in ipairs { false, true } do
    local f = Future()
    if late then f:set_result() end
    f:add_done_callback(function() error("first", 0) end)
    f:add_done_callback(function() ran = ran + 1 end)
    if not late then f:set_result() end
    want = want + 1
    t.eventually(function() return ran == want end) -- before the next: callbacks run in two threads
  end
  t.equal(#calls, 2)
  for _, call in ipairs(calls) do
    t.equal(call[2], "first")
    t.equal(call[3]:find("future_test.lua", 1, true) ~= nil, true)
  end
end)

t.test("a callback may add callbacks, and wait", function()
  local f, other, order = Future(), Future(), {}
  f:add_done_callback(function()
    f:add_done_callback(function() order[#order + 1] = "inner" end)
    order[#order + 1] = other:result()
  end)
  f:set_result()
  t.eventually(function() return #order == 1 end)
  other:set_result("outer")
  t.eventually(function() return #order == 2 end)
  t.equal(table.concat(order, " "), "inner outer")
end)

t.test("a cancelled future calls back", function()
  local f, got = Future(), nil
  f:add_done_callback(function(x) got = x:cancelled() end)
  f:cancel()
  t.eventually(function() return got end)
end)

t.test("a future with callbacks that nobody holds is kept until they have run", function()
  local ran = 0
  for _ = 1, 50 do
    local f = Future()
    f:add_done_callback(function() ran = ran + 1 end)
    f:set_result()
  end
  collectgarbage()
  t.eventually(function() return ran == 50 end)
end)

t.test("callbacks have run when the program ends", function()
  local text, status = t.run { "-e", [[
    local futures = require "gilua.futures"
    local pool = futures.ThreadPoolExecutor{max_workers = 1}
    local f = pool:submit(function() require"gilua.time".sleep(0.02) return 7 end)
    f:add_done_callback(function(f) require"gilua.time".sleep(0.02) print("called", f:result()) end)]] }
  t.equal(text, "called\t7\n")
  t.equal(status, 0)
end)

t.test("an uncaught error of a task is printed with both tracebacks", function()
  local text, status = t.run { "-e", [[
    local pool = require"gilua.futures".ThreadPoolExecutor{max_workers = 1}
    local function far_away() local x = nil; return x.y end
    pool:submit(far_away):result()]] }
  t.equal(status, 1)
  for _, part in ipairs { "attempt to index", ":2: in function", "raised again", "in main chunk" } do
    t.equal(text:find(part, 1, true) ~= nil, true, part .. " in " .. text)
  end
end)

t.test("bad arguments are refused", function()
  local f = Future()
  t.raises("function expected", f.add_done_callback, f, 3)
  t.raises("gilua.Future expected", f.result, {})
  t.raises("gilua.Future expected", f.result)
  t.raises("bad argument", f.set_exception, f)
  t.raises("bad argument", f.set_exception, f, "x", {})
end)

t.test("a wait inside a finalizer raises invalid_state", function()
  local f, err = Future(), nil
  setmetatable({}, { __gc = function() err = select(2, pcall(f.result, f)) end })
  collectgarbage()
  t.equal(gilua.is_error(err, "invalid_state"), true)
end)

t.test("a cancel of the thread that runs callbacks ends none that comes later", function()
  local threading = require "gilua.threading"
  local g = Future()
  g:add_done_callback(print) -- the thread is there
  for _ = 1, 100 do
    local f, called = Future(), threading.Event()
    f:add_done_callback(function() called:set() end)
    for _, thread in ipairs(threading.enumerate()) do if thread.name == "gilua futures" then thread:cancel() end end
    f:set_result(1)
    t.equal(called:wait(t.limit), true)
  end
end)

t.finish()
