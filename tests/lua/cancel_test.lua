-- Thread:cancel: what is raised, when, how often, and what remains. Behaviours 20, 25 and 26.
local t = require "testing"
local gilua = require "gilua"
local threading = require "gilua.threading"
local time = require "gilua.time"

-- Cancels the thread, which must end by it; returns the error.
local function cancel(thread, ...)
  thread:cancel(...)
  t.equal(thread:join(t.limit), true)
  return t.raises_kind("cancelled", thread.result, thread)
end

local function endless() while true do end end

t.test("a thread is cancelled before its first instruction", function()
  for _ = 1, 20 do
    cancel(threading.start(endless))
  end
end)

t.test("the error has the message that was given", function()
  t.equal(cancel(threading.start(endless), "enough of it").message, "enough of it")
  t.equal(cancel(threading.start(time.sleep, t.limit), "in a wait").message, "in a wait")
  t.equal(cancel(threading.start(endless)).message, "the thread was cancelled")
  t.equal(tostring(cancel(threading.start(endless), "why")):match("^cancelled: why\n") ~= nil, true)
end)

t.test("the error has a traceback with the line that ran", function()
  local flag = threading.Event()
  local function spinning()
    flag:set()
    while true do end
  end
  local thread = threading.start(function()
    spinning()
    return 1
  end)
  flag:wait()
  local err = cancel(thread)
  t.equal(err.traceback:find("'spinning'", 1, true) ~= nil, true, err.traceback)
end)

t.test("a cancel is raised once: after pcall the thread goes on as before (25)", function()
  local flag, gate = threading.Event(), threading.Event()
  local thread = threading.start(function()
    local _, err = pcall(function()
      flag:set()
      while true do end
    end)
    gate:wait(t.limit)
    return err
  end)
  flag:wait()
  thread:cancel()
  t.parked(thread, "event")
  gate:set()
  t.equal(gilua.is_error(thread:result(), "cancelled"), true)
end)

t.test("a cancel that was caught can be followed by another (25)", function()
  local n = 0
  local thread = threading.start(function()
    repeat
      local ok, err = pcall(time.sleep, t.limit)
      if not ok then n = n + 1 end
    until ok or n == 3
    while true do end
  end)
  for i = 1, 3 do
    t.parked(thread, "sleep")
    thread:cancel()
    t.eventually(function() return n == i end, "the cancel to be caught")
  end
  t.equal(thread:is_alive(), true)
  cancel(thread)
end)

t.test("a loop around pcall ends when its body is not the only place to be cancelled (25)", function()
  local swallowed = 0
  local thread = threading.start(function()
    while true do
      if not pcall(function() for _ = 1, 10 do end end) then swallowed = swallowed + 1 end
    end
  end)
  local tries = 0
  t.eventually(function()
    tries = tries + 1
    thread:cancel()
    return thread:join(0.002)
  end)
  t.raises_kind("cancelled", thread.result, thread)
  t.equal(swallowed < tries, true, "swallowed every one")
end)

t.test("two cancels before the thread looks count as one", function()
  local gate, caught, n = threading.Event(), threading.Event(), 0
  local thread = threading.start(function()
    if not pcall(gate.wait, gate, t.limit) then n = n + 1 end
    caught:set()
    if not pcall(gate.wait, gate, t.limit) then n = n + 1 end
    return n
  end)
  t.parked(thread, "event")
  setmetatable({}, { __gc = function() -- the lock is not left in a finalizer
    thread:cancel()
    thread:cancel()
  end })
  collectgarbage()
  caught:wait(t.limit)
  t.parked(thread, "event")
  gate:set()
  t.equal(thread:result(), 1)
end)

t.test("<close> variables of a cancelled thread run, and may wait", function()
  local closed = {}
  local function closing(name)
    return setmetatable({}, { __close = function(_, err)
      time.sleep(0.001)
      closed[#closed + 1] = name .. " " .. tostring(gilua.is_error(err, "cancelled"))
    end })
  end
  local thread = threading.start(function()
    local _ <close> = closing("outer")
    local _ <close> = closing("inner")
    time.sleep(t.limit)
  end)
  t.parked(thread, "sleep")
  cancel(thread)
  t.equal(table.concat(closed, ", "), "inner true, outer true")
end)

t.test("a thread can cancel itself (20)", function()
  cancel(threading.start(function()
    threading.current_thread():cancel()
    while true do end
  end))
end)

t.test("the main thread can be cancelled by another, and a message handler sees it", function()
  local main, seen = threading.main_thread(), nil
  local canceller = threading.start(function()
    t.parked(main, "sleep")
    main:cancel("from a thread")
  end)
  local ok, err = xpcall(time.sleep, function(e)
    seen = e
    return e
  end, t.limit)
  t.equal(ok, false)
  t.equal(gilua.is_error(err, "cancelled"), true)
  t.equal(err.message, "from a thread")
  t.equal(seen, err)
  canceller:result()
end)

t.test("a cancel reaches the coroutine that runs, and its resumer gets the error", function()
  local flag = threading.Event()
  local thread = threading.start(function()
    local co = coroutine.create(function()
      flag:set()
      while true do end
    end)
    local ok, err = coroutine.resume(co)
    return ok, err, coroutine.status(co)
  end)
  flag:wait()
  thread:cancel()
  local ok, err, status = thread:result()
  t.equal(ok, false)
  t.equal(gilua.is_error(err, "cancelled"), true)
  t.equal(status, "dead")
end)

t.test("a cancel of an ended thread returns at once and changes nothing (26)", function()
  local thread = threading.start(function() return "result" end)
  thread:join()
  t.equal(thread:cancel(), false)
  t.equal(thread:result(), "result")
end)

t.test("a cancel of a thread that was not started changes nothing (26)", function()
  local thread = threading.Thread { target = function() return "ran" end }
  t.equal(thread:cancel(), false)
  t.equal(thread:start():result(), "ran")
end)

t.test("a cancel during a finalizer is raised after it", function()
  local finished = false
  local thread = threading.start(function()
    setmetatable({}, { __gc = function()
      threading.current_thread():cancel()
      for _ = 1, 1000 do math.abs(1) end
      finished = true
    end })
    collectgarbage()
    while true do end
  end)
  thread:join(t.limit)
  t.raises_kind("cancelled", thread.result, thread)
  t.equal(finished, true)
end)

t.test("a cancel never lands between hold and its <close> variable", function()
  t.at_intervals(function()
    for _ = 1, 25 do
      local lock, rounds = threading.Lock(), 0
      local thread = threading.start(function()
        while true do
          local _ <close> = lock:hold()
          rounds = rounds + 1
        end
      end)
      t.eventually(function() return rounds > 3 end)
      cancel(thread)
      t.equal(lock:locked(), false, "the lock after the cancel")
    end
  end)
end)

t.finish()
