-- Lock and RLock: behaviours 28 to 36.
local t = require "testing"
local threading = require "gilua.threading"
local gil = require "gilua.gil"
local time = require "gilua.time"

for _, kind in ipairs { "Lock", "RLock" } do
  local new = threading[kind]

  t.test(kind .. " is taken and given back", function()
    local lock = new()
    t.equal(lock:locked(), false)
    t.equal(lock:acquire(), true)
    t.equal(lock:locked(), true)
    lock:release()
    t.equal(lock:locked(), false)
  end)

  t.test(kind .. " held by another thread is refused without blocking (28)", function()
    local lock = new()
    lock:acquire()
    t.equal(threading.start(function() return lock:acquire(false) end):result(), false)
    t.equal(threading.start(function() return lock:acquire(true, 0) end):result(), false)
    lock:release()
  end)

  t.test(kind .. " takes no timeout without blocking, and no bad one (28, 29)", function()
    local lock = new()
    t.raises("takes no timeout", lock.acquire, lock, false, 1)
    t.raises("negative or NaN", lock.acquire, lock, true, -1)
    t.raises("negative or NaN", lock.acquire, lock, true, 0 / 0)
    t.raises("too large", lock.acquire, lock, true, threading.TIMEOUT_MAX * 1.01)
    t.equal(lock:acquire(true, threading.TIMEOUT_MAX), true)
    lock:release()
    t.raises("number expected", lock.acquire, lock, true, {})
  end)

  t.test(kind .. " that is not got in time takes about that time and stays as it was (30)", function()
    local lock = new()
    lock:acquire()
    local got, took = threading.start(function()
      local t0 = time.monotonic()
      local got = lock:acquire(true, 0.05)
      return got, time.monotonic() - t0
    end):result()
    t.equal(got, false)
    t.near(took, 0.049, t.limit)
    lock:release()
    t.equal(threading.start(function() return lock:acquire(false), lock:release() end):result(), true)
  end)

  t.test(kind .. " that is free cannot be released (31)", function()
    local lock = new()
    t.raises("not held", lock.release, lock)
    lock:acquire()
    lock:release()
    t.raises("not held", lock.release, lock)
  end)

  t.test(kind .. " lets five blocked threads pass one by one, in the order they came (33)", function()
    local lock, order, inside = new(), {}, 0
    lock:acquire()
    local threads = {}
    for i = 1, 5 do
      threads[i] = threading.start(function()
        lock:acquire()
        inside = inside + 1
        assert(inside == 1)
        order[#order + 1] = i
        time.sleep(0.001)
        inside = inside - 1
        lock:release()
      end)
      t.parked(threads[i])
    end
    t.equal(#order, 0)
    lock:release()
    t.join(threads)
    t.equal(table.concat(order, " "), "1 2 3 4 5")
  end)

  t.test(kind .. " goes to who waits, not to who released it", function()
    local lock, order = new(), {}
    lock:acquire()
    local waiter = threading.start(function()
      lock:acquire()
      order[#order + 1] = "waiter"
      lock:release()
    end)
    t.parked(waiter)
    lock:release()
    lock:acquire()
    order[#order + 1] = "main"
    lock:release()
    waiter:join()
    t.equal(table.concat(order, " "), "waiter main")
  end)

  if not t.polls and not t.chosen then -- a switch between any two instructions
    t.test(kind .. ": a thread whose last act is a release has ended when the next owner looks", function()
      local interval = gil.switch_interval(1)
      local lock, go = new(), threading.Event()
      local holder = threading.start(function()
        lock:acquire()
        go:wait()
        local function third() lock:release() end
        local function second() third() end
        second()
      end)
      t.parked(holder, "event")
      local main = threading.main_thread()
      threading.start(function()
        t.parked(main, kind:lower())
        go:set()
      end)
      lock:acquire()
      local alive = holder:is_alive()
      lock:release()
      gil.switch_interval(interval)
      t.equal(alive, false)
    end)
  end

  t.test(kind .. " is released at the end of the scope, on errors too (34)", function()
    local lock = new()
    do
      local held <close> = lock:hold()
      t.equal(held, lock)
      t.equal(lock:locked(), true)
    end
    t.equal(lock:locked(), false)
    t.raises("inside", function()
      local _ <close> = lock:hold()
      error("inside")
    end)
    t.equal(lock:locked(), false)
  end)

  t.test(kind .. ":with passes arguments and results, and releases on errors", function()
    local lock = new()
    local results = table.pack(lock:with(function(...)
      t.equal(lock:locked(), true)
      return select("#", ...), ...
    end, 1, nil, 3, nil))
    t.equal(results.n, 5)
    t.equal(results[1], 4)
    t.equal(results[4], 3)
    t.equal(lock:locked(), false)
    t.raises("inside", lock.with, lock, error, "inside")
    t.equal(lock:locked(), false)
    t.raises("function expected", lock.with, lock)
  end)

  t.test(kind .. ":with can be left by a yield and by closing the coroutine", function()
    local lock = new()
    local co = coroutine.create(function() return lock:with(function(x) return coroutine.yield(x) end, 7) end)
    t.equal(select(2, coroutine.resume(co)), 7)
    t.equal(lock:locked(), true)
    t.equal(select(2, coroutine.resume(co, 8)), 8)
    t.equal(lock:locked(), false)
    local other = coroutine.create(function() lock:with(coroutine.yield) end)
    coroutine.resume(other)
    t.equal(lock:locked(), true)
    coroutine.close(other)
    t.equal(lock:locked(), false)
  end)

  t.test(kind .. " can be collected while it is held (35)", function()
    local weak = setmetatable({ new() }, { __mode = "v" })
    weak[1]:acquire()
    collectgarbage()
    t.equal(weak[1], nil)
  end)

  t.test(kind .. " keeps a counter right, whatever the switch interval", function()
    t.at_intervals(function()
      local lock, counter = new(), 0
      t.join(t.start(4, function()
        for _ = 1, 2000 do
          local _ <close> = lock:hold()
          local old = counter
          string.rep("x", 10):find("y")
          counter = old + 1
        end
      end))
      t.equal(counter, 8000)
    end)
  end)
end

t.test("a Lock may be released by another thread (32)", function()
  local lock = threading.Lock()
  lock:acquire()
  threading.start(lock.release, lock):result()
  t.equal(lock:acquire(false), true)
end)

t.test("an RLock may not be released by another thread, and the error says who holds it (32)", function()
  local lock = threading.RLock()
  lock:acquire()
  local ok, err = threading.start(pcall, lock.release, lock):result()
  t.equal(ok, false)
  t.equal(err:match("RLock is held by thread %d+, released by thread %d+") ~= nil, true, err)
  t.equal(lock:held(), true)
  lock:release()
end)

t.test("an RLock counts its acquires, and each thread knows whether it holds it (36)", function()
  local lock = threading.RLock()
  for _ = 1, 3 do lock:acquire() end
  t.equal(lock:held(), true)
  t.equal(threading.start(function() return lock:held() end):result(), false)
  for _ = 1, 2 do lock:release() end
  t.equal(threading.start(function() return lock:acquire(false) end):result(), false)
  lock:release()
  t.equal(lock:held(), false)
  t.equal(threading.start(function() return lock:acquire(false), lock:release() end):result(), true)
end)

t.test("methods check their object", function()
  local lock = threading.Lock()
  t.raises("Lock, RLock or Condition expected, got FILE", lock.acquire, io.stdout)
  t.raises("Lock, RLock or Condition expected", lock.acquire, nil)
  t.raises("Lock, RLock or Condition expected", lock.release, threading.Event())
  t.raises("no field 'x'", function() lock.x = 1 end)
  t.equal(tostring(lock):match "^%w+", "Lock")
  t.equal(getmetatable(lock), "gilua.Lock")
end)

t.finish()
