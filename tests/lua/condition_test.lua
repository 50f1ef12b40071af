-- Condition: its lock, notify (behaviours 37 and 38). Timeouts, cancels and wait_for are in condition_wait_test.lua.
local t = require "testing"
local threading = require "gilua.threading"
local time = require "gilua.time"

-- Starts n threads that wait on cond, one after the other; log gets the number of each that comes back.
local function start_waiters(cond, n, log)
  local threads = {}
  for i = 1, n do
    threads[i] = threading.start(function()
      local _ <close> = cond:hold()
      local result = cond:wait()
      log[#log + 1] = i
      return result
    end)
    t.parked(threads[i], "condition")
  end
  return threads
end

for _, kind in ipairs { "Lock", "RLock", "default" } do
  local function new() return threading.Condition(kind ~= "default" and threading[kind]() or nil) end
  local name = "a Condition " .. (({ Lock = "over a Lock", RLock = "over an RLock" })[kind] or "with its own lock")

  t.test(name .. " does not wait or notify unless it is held (37)", function()
    local cond = new()
    t.raises("wait on a Condition whose lock is not held", cond.wait, cond)
    t.raises("wait on a Condition whose lock is not held", cond.wait, cond, 0)
    t.raises("wait_for on a Condition whose lock is not held", cond.wait_for, cond, error)
    t.raises("notify on a Condition whose lock is not held", cond.notify, cond)
    t.raises("notify_all on a Condition whose lock is not held", cond.notify_all, cond)
    t.equal(cond:locked(), false)
  end)

  t.test(name .. " has the lock's methods", function()
    local cond = new()
    t.equal(cond:acquire(), true)
    t.equal(cond:locked(), true)
    t.equal(threading.start(cond.acquire, cond, false):result(), false)
    cond:release()
    t.equal(cond:locked(), false)
    t.raises("not held", cond.release, cond)
    do
      local held <close> = cond:hold()
      t.equal(held, cond)
      t.equal(cond:locked(), true)
    end
    t.equal(cond:with(function(...) return cond:locked(), ... end, 7), true)
    t.equal(cond:locked(), false)
  end)

  t.test(name .. " wakes exactly as many as it is told to, in the order they came (38)", function()
    local cond, log = new(), {}
    local threads = start_waiters(cond, 5, log)
    cond:with(cond.notify, cond, 3)
    t.join { threads[1], threads[2], threads[3] }
    t.equal(table.concat(log, " "), "1 2 3")
    t.parked({ threads[4], threads[5] }, "condition")
    cond:with(cond.notify, cond)
    t.join { threads[4] }
    t.parked(threads[5], "condition")
    cond:with(cond.notify, cond, 100) -- more than wait
    t.join(threads)
    t.equal(table.concat(log, " "), "1 2 3 4 5")
    for _, thread in ipairs(threads) do t.equal(thread:result(), true) end
  end)

  t.test(name .. " wakes nobody before the notifier has released it (38)", function()
    local cond, log = new(), {}
    local threads = start_waiters(cond, 5, log)
    cond:acquire()
    cond:notify_all()
    t.parked(threads, "lock")
    time.sleep(0.002)
    t.equal(#log, 0)
    cond:release()
    t.join(threads)
    t.equal(table.concat(log, " "), "1 2 3 4 5")
  end)

  t.test(name .. " forgets a notify that nobody waited for", function()
    local cond = new()
    local _ <close> = cond:hold()
    cond:notify()
    cond:notify_all()
    t.equal(cond:wait(0.001), false)
    t.equal(cond:wait(0), false)
  end)

end

t.test("the lock of a Condition is recursive unless another is given (37)", function()
  local cond = threading.Condition()
  for _ = 1, 3 do t.equal(cond:acquire(), true) end
  for _ = 1, 3 do cond:release() end
  t.equal(cond:locked(), false)
  cond = threading.Condition(threading.Lock())
  cond:acquire()
  t.equal(cond:acquire(false), false)
  cond:release()
end)

t.test("a Condition over an RLock is not for a thread that does not hold it (37)", function()
  local cond = threading.Condition()
  local _ <close> = cond:hold()
  for _, method in ipairs { "wait", "notify", "notify_all" } do
    local ok, err = threading.start(pcall, cond[method], cond):result()
    t.equal(ok, false)
    t.equal(err:find("not held by this thread") ~= nil, true, err)
  end
end)

t.test("wait lets go of a lock that is held several times, and gets it back as often", function()
  local lock = threading.RLock()
  local cond = threading.Condition(lock)
  for _ = 1, 3 do lock:acquire() end
  local function notify_held_twice()
    local _ <close> = lock:hold()
    local _ <close> = cond:hold()
    cond:notify()
  end
  local thread = threading.start(notify_held_twice)
  t.equal(cond:wait(t.limit), true)
  t.join { thread }
  t.equal(cond:wait(0.001), false)
  for _ = 1, 3 do
    t.equal(lock:held(), true)
    lock:release()
  end
  t.equal(lock:locked(), false)
end)

t.test("two Conditions over one lock wake their own waiters only", function()
  local lock, log = threading.Lock(), {}
  local a, b = threading.Condition(lock), threading.Condition(lock)
  local on_a, on_b = start_waiters(a, 2, log), start_waiters(b, 2, log)
  t.equal(threading.Condition(a):acquire(), true) -- one over another has its lock
  t.equal(lock:locked(), true)
  b:notify_all()
  a:release()
  t.join(on_b)
  t.parked(on_a, "condition")
  a:with(a.notify_all, a)
  t.join(on_a)
  t.equal(#log, 4)
end)

t.test("a Condition keeps its lock, and goes with it", function()
  local weak = setmetatable({ lock = threading.Lock() }, { __mode = "v" })
  local cond = threading.Condition(weak.lock)
  cond:acquire()
  collectgarbage()
  t.equal(weak.lock:locked(), true)
  cond = nil
  collectgarbage()
  t.equal(weak.lock, nil)
end)

t.finish()
