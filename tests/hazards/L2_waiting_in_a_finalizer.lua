-- L2: inside a finalizer the lock is never left, and a wait that would block is an error there, not a stop of the
-- collector for everybody.
local t = require "testing"
local gilua = require "gilua"
local threading, time, queue = gilua.threading, gilua.time, gilua.queue

-- Runs f in a finalizer and returns what it raised.
local function in_finalizer(f)
  local ok, err
  setmetatable({}, { __gc = function() ok, err = pcall(f) end })
  collectgarbage()
  return ok, err
end

local held = threading.Lock()
held:acquire()
local empty, event, sem, cond = queue.Queue(), threading.Event(), threading.Semaphore(0), threading.Condition()
local full = queue.Queue(1)
full:put(1)
local waits = {
  lock = function() held:acquire() end,
  hold = function() held:hold() end,
  ["timed lock"] = function() held:acquire(true, 10) end,
  sleep = function() time.sleep(10) end,
  ["queue get"] = function() empty:get() end,
  ["queue put"] = function() full:put(2) end,
  event = function() event:wait() end,
  semaphore = function() sem:acquire() end,
  condition = function() cond:with(cond.wait, cond) end,
  barrier = function() threading.Barrier(2):wait() end,
}

for name, wait in pairs(waits) do
  t.test("a finalizer that waits (" .. name .. ") gets invalid_state", function()
    local ok, err = in_finalizer(wait)
    t.equal(ok, false)
    t.equal(gilua.is_error(err, "invalid_state"), true, tostring(err))
    t.equal(cond:locked(), false)
  end)
end

t.test("a finalizer that joins a thread gets invalid_state", function()
  local thread = threading.start(function() event:wait() end)
  t.parked(thread)
  local ok, err = in_finalizer(function() thread:join() end)
  t.equal(ok, false)
  t.equal(gilua.is_error(err, "invalid_state"), true, tostring(err))
  event:set()
  thread:join()
  event:clear()
end)

t.test("a finalizer may use what does not block", function()
  local free = threading.Lock()
  t.equal(in_finalizer(function()
    local _ <close> = free:hold()
    full:get()
    full:put(2)
    assert(not held:acquire(false))
    event:set()
    event:clear()
  end), true)
  t.equal(free:locked(), false)
end)

t.test("a coroutine in a finalizer keeps the lock", function()
  local ticks, during, done = 0, nil, false
  local thread = threading.start(function() while not done do ticks = ticks + 1 end end)
  t.eventually(function() return ticks > 0 end)
  local ok = in_finalizer(function()
    local before = ticks
    coroutine.wrap(function() for _ = 1, 3e6 do end end)() -- several switch intervals
    during = ticks - before
  end)
  local after = ticks
  t.eventually(function() return ticks > after end)
  done = true
  thread:join()
  t.equal(ok, true)
  t.equal(during, 0)
end)

t.test("the native id of a thread that has just been started is known in a finalizer, which keeps the lock", function()
  local refused, id = 0, nil
  local ok, err = in_finalizer(function()
    for _ = 1, 20 do
      local thread = threading.start(function() if not pcall(time.sleep, 0.0001) then refused = refused + 1 end end)
      id = thread.native_id
      assert(id > 0)
    end
  end)
  t.equal(ok, true, err)
  for _, thread in ipairs(threading.enumerate()) do
    if thread ~= threading.current_thread() then thread:join() end
  end
  t.equal(refused, 0)
end)

t.test("other threads do not run while a finalizer computes, and the collector answers after it", function()
  local ticks, during = 0, nil
  local done = false
  local thread = threading.start(function() while not done do ticks = ticks + 1 end end)
  t.eventually(function() return ticks > 0 end)
  t.equal(in_finalizer(function()
    local before = ticks
    for _ = 1, 3e6 do end -- several switch intervals
    during = ticks - before
  end), true)
  t.equal(during, 0)
  t.equal(type(collectgarbage("count")), "number")
  done = true
  thread:join()
end)

t.finish()
