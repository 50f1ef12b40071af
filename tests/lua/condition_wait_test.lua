-- Condition: waits that end by their time or by a cancel, and wait_for (behaviours 38 and 39).
local t = require "testing"
local threading = require "gilua.threading"
local time = require "gilua.time"

-- Starts n threads that wait on cond, one after the other; log gets the number of each that comes back.
-- With a short timeout some may have done so already.
local function start_waiters(cond, n, log, timeout)
  local threads = {}
  for i = 1, n do
    local thread = threading.start(function()
      local _ <close> = cond:hold()
      local result = cond:wait(timeout)
      log[#log + 1] = i
      return result
    end)
    t.eventually(function() return thread.waits_for == "condition" or #log > 0 end, "it to wait")
    threads[i] = thread
  end
  return threads
end

-- Has the time of the thread's wait run out, so that it wants the lock back?
local function wants_lock(thread)
  return function() return thread.waits_for == "lock" or thread.waits_for == "rlock" end
end

for _, kind in ipairs { "Lock", "RLock", "default" } do
  local function new() return threading.Condition(kind ~= "default" and threading[kind]() or nil) end
  local name = "a Condition " .. (({ Lock = "over a Lock", RLock = "over an RLock" })[kind] or "with its own lock")

  t.test(name .. " is held again when a wait times out, after about that time (38)", function()
    local cond = new()
    cond:acquire()
    local t0 = time.monotonic()
    t.equal(cond:wait(0.05), false)
    t.near(time.monotonic() - t0, 0.049, t.limit)
    t.equal(threading.start(cond.acquire, cond, false):result(), false)
    cond:release()
  end)

  t.test(name .. ": notified in time is in time, however long the lock takes", function()
    local cond, in_time = new(), false
    while not in_time do -- on a slow machine the time may be over before the notify
      local t0 = time.monotonic()
      local thread = start_waiters(cond, 1, {}, 0.3)[1]
      cond:acquire()
      cond:notify()
      in_time = time.monotonic() - t0 < 0.3
      if in_time then time.sleep(0.35) end
      cond:release()
      local result = thread:result()
      if in_time then t.equal(result, true) end
    end
  end)

  t.test(name .. ": a wait that timed out comes back with the lock, and leaves notifies to others", function()
    local cond, early, late, log
    repeat -- on a slow machine the early one may be back before the lock is held
      cond, log = new(), {}
      early, late = start_waiters(cond, 1, log, 0.05)[1], threading.start(function()
        local _ <close> = cond:hold()
        return cond:wait()
      end)
      t.parked(late, "condition")
      cond:acquire()
      local too_late = #log > 0
      if too_late then
        cond:notify()
        cond:release()
      end
    until not too_late
    t.eventually(wants_lock(early), "the time to run out")
    cond:notify()
    t.equal(#log, 0)
    cond:release()
    t.equal(early:result(), false)
    t.equal(late:result(), true)
  end)

  t.test(name .. ": a cancelled wait raises with the lock held", function()
    local cond, held = new(), nil
    local thread = threading.start(function()
      cond:acquire()
      local ok, err = pcall(cond.wait, cond)
      held = not ok and not threading.start(cond.acquire, cond, false):result()
      cond:release()
      error(err)
    end)
    t.parked(thread, "condition")
    cond:acquire()
    thread:cancel("enough")
    t.eventually(wants_lock(thread), "it to want the lock")
    t.equal(held, nil)
    cond:release()
    t.equal(t.raises_kind("cancelled", thread.result, thread).message, "enough")
    t.equal(held, true)
    t.equal(cond:locked(), false)
  end)

  t.test(name .. ": a cancelled waiter takes no notify with it", function()
    local cond, log = new(), {}
    local threads = start_waiters(cond, 3, log)
    threads[2]:cancel()
    threads[2]:join()
    cond:with(cond.notify, cond, 2)
    t.join { threads[1], threads[3] }
    t.raises_kind("cancelled", threads[2].result, threads[2])
    t.equal(table.concat(log, " "), "1 3")
  end)

  t.test(name .. ": a cancel that comes after the notify is raised once the lock is held, and lets go of it", function()
    local cond, log = new(), {}
    local thread = start_waiters(cond, 1, log)[1]
    cond:acquire()
    cond:notify()
    thread:cancel()
    t.parked(thread, "lock")
    cond:release()
    t.raises_kind("cancelled", thread.result, thread)
    t.equal(#log, 0)
    t.equal(cond:locked(), false)
  end)

  t.test(name .. ": wait_for returns what the predicate returned last (39)", function()
    local cond, state = new(), nil
    local _ <close> = cond:hold()
    t.equal(cond:wait_for(function() return "at once" end), "at once")
    t.equal(cond:wait_for(function() return false end, 0), false)
    t.equal(cond:wait_for(function() return nil end, 0.001), nil)
    t.equal(select("#", cond:wait_for(function() return 1, 2 end)), 1)
    local thread = threading.start(function()
      for i = 1, 4 do cond:with(function() state = i, cond:notify() end) end
    end)
    t.equal(cond:wait_for(function() return state == 4 and "four" end), "four")
    thread:join()
  end)

  t.test(name .. ": wait_for calls its predicate with the lock held, and once more when time is out (39)", function()
    local cond, calls = new(), 0
    cond:acquire()
    local result = cond:wait_for(function()
      calls = calls + 1
      t.equal(threading.start(cond.acquire, cond, false):result(), false)
      return calls == 2 and "seen late"
    end, 0.01)
    cond:release()
    t.equal(result, "seen late")
    t.equal(calls, 2)
  end)

  t.test(name .. ": wait_for keeps to its time though it is woken again and again (39)", function()
    local cond, calls, done = new(), 0, false
    local notifier = threading.start(function()
      while not done do
        cond:with(cond.notify_all, cond)
        time.sleep(0.001)
      end
    end)
    local _ <close> = cond:hold()
    repeat -- the notifier may come late
      calls = 0
      local t0 = time.monotonic()
      t.equal(cond:wait_for(function() calls = calls + 1 return false end, 0.1), false)
      t.near(time.monotonic() - t0, 0.099, t.limit)
    until calls >= 4
    done = true
  end)

  t.test(name .. ": an error in the predicate comes out of wait_for with the lock held", function()
    local cond, calls = new(), 0
    local thread = threading.start(function()
      cond:acquire()
      local ok, err = pcall(cond.wait_for, cond, function()
        calls = calls + 1
        if calls == 2 then error("pred failed", 0) end
      end)
      local locked = cond:locked()
      cond:release()
      return ok, err, locked
    end)
    t.parked(thread, "condition")
    cond:with(cond.notify, cond)
    local ok, err, locked = thread:result()
    t.equal(ok, false)
    t.equal(err, "pred failed")
    t.equal(locked, true)
    t.equal(cond:locked(), false)
  end)
end

t.test("a cancelled wait gets back a lock as often as it was held", function()
  local lock, held = threading.RLock(), 0
  local cond = threading.Condition(lock)
  local thread = threading.start(function()
    for _ = 1, 3 do lock:acquire() end
    local ok, err = pcall(cond.wait, cond)
    while lock:held() do
      held = held + 1
      lock:release()
    end
    if not ok then error(err) end
  end)
  t.parked(thread, "condition")
  thread:cancel()
  t.raises_kind("cancelled", thread.result, thread)
  t.equal(held, 3)
end)

t.finish()
