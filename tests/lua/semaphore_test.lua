-- Semaphore and BoundedSemaphore: behaviours 8, 28 to 30 and 41.
local t = require "testing"
local threading = require "gilua.threading"
local time = require "gilua.time"

-- How many permits are free: takes them all, and puts them back.
local function free_permits(sem)
  local n = 0
  while sem:acquire(false) do n = n + 1 end
  for _ = 1, n do sem:release() end
  return n
end

for _, kind in ipairs { "Semaphore", "BoundedSemaphore" } do
  local new = threading[kind]

  t.test(kind .. " begins with one permit, or as many as are asked for (41)", function()
    t.equal(free_permits(new()), 1)
    t.equal(free_permits(new(nil)), 1)
    t.equal(free_permits(new(0)), 0)
    t.equal(free_permits(new(7)), 7)
    t.equal(new(math.maxinteger):acquire(), true)
  end)

  t.test(kind .. " does not begin with fewer than none (41)", function()
    t.raises("must not be negative", new, -1)
    t.raises("must not be negative", new, math.mininteger)
    t.raises("number has no integer representation", new, 0.5)
    t.raises("number expected, got table", new, {})
  end)

  t.test(kind .. " without a permit is refused without blocking (28)", function()
    local sem = new(2)
    t.equal(sem:acquire(), true)
    t.equal(sem:acquire(false), true)
    t.equal(sem:acquire(false), false)
    t.equal(sem:acquire(true, 0), false)
    t.equal(threading.start(sem.acquire, sem, false):result(), false)
    t.equal(select("#", sem:release()), 0)
    t.equal(sem:acquire(true, 0), true)
  end)

  t.test(kind .. " takes no timeout without blocking, and no bad one (28, 29)", function()
    local sem = new()
    t.raises("takes no timeout", sem.acquire, sem, false, 1)
    t.raises("negative or NaN", sem.acquire, sem, true, -1)
    t.raises("too large", sem.acquire, sem, true, threading.TIMEOUT_MAX * 1.01)
    t.equal(free_permits(sem), 1)
    t.equal(sem:acquire(true, threading.TIMEOUT_MAX), true)
  end)

  t.test(kind .. " that is not got in time takes about that time and no permit (30)", function()
    local sem = new(1)
    sem:acquire()
    local t0 = time.monotonic()
    t.equal(sem:acquire(true, 0.05), false)
    t.near(time.monotonic() - t0, 0.049, t.limit)
    sem:release()
    t.equal(free_permits(sem), 1)
  end)

  t.test(kind .. ":release(n) wakes n, in the order they came (41)", function()
    local sem, threads = new(10), {}
    for _ = 1, 10 do sem:acquire() end
    for i = 1, 6 do
      threads[i] = threading.start(sem.acquire, sem)
      t.parked(threads[i], "semaphore")
    end
    sem:release(4)
    t.join { threads[1], threads[2], threads[3], threads[4] }
    t.parked({ threads[5], threads[6] }, "semaphore")
    sem:release()
    t.join { threads[5] }
    t.parked(threads[6], "semaphore")
    sem:release(5)
    t.join(threads)
    t.equal(free_permits(sem), 4)
  end)

  t.test(kind .. " goes to who waits, not to who comes later", function()
    local sem = new(1)
    sem:acquire()
    local waiter = threading.start(sem.acquire, sem)
    t.parked(waiter, "semaphore")
    sem:release()
    t.equal(sem:acquire(false), false)
    t.equal(waiter:result(), true)
  end)

  t.test(kind .. ": who gave up waiting, in time or by a cancel, takes no permit", function()
    local sem = new(1)
    sem:acquire()
    local early, cancelled = threading.start(sem.acquire, sem, true, 0.001), threading.start(sem.acquire, sem)
    t.equal(early:result(), false)
    t.parked(cancelled, "semaphore")
    cancelled:cancel()
    t.raises_kind("cancelled", cancelled.result, cancelled)
    sem:release()
    t.equal(free_permits(sem), 1)
  end)

  t.test(kind .. ":release takes one or more", function()
    local sem = new(3)
    sem:acquire()
    for _, n in ipairs { 0, -1, math.mininteger } do t.raises("must be one or more", sem.release, sem, n) end
    t.raises("integer representation", sem.release, sem, 1.5)
    t.raises("number expected", sem.release, sem, "x")
    t.equal(free_permits(sem), 2)
    sem:release(nil)
    t.equal(free_permits(sem), 3)
  end)

  t.test(kind .. ":hold gives its permit back at the end of the scope, on errors too", function()
    local sem = new(2)
    do
      local held <close> = sem:hold()
      t.equal(held, sem)
      local _ <close> = sem:hold()
      t.equal(free_permits(sem), 0)
    end
    t.equal(free_permits(sem), 2)
    t.raises("inside", function()
      local _ <close> = sem:hold()
      error("inside")
    end)
    t.equal(free_permits(sem), 2)
  end)

  t.test(kind .. ":hold waits for a permit, and a cancel of it takes none", function()
    local sem, inside = new(1), 0
    local function hold()
      local _ <close> = sem:hold()
      inside = inside + 1
    end
    sem:acquire()
    local first, second = threading.start(hold), threading.start(hold)
    t.parked({ first, second }, "semaphore")
    first:cancel()
    t.raises_kind("cancelled", first.result, first)
    sem:release()
    t.join { second }
    t.equal(inside, 1)
    t.equal(free_permits(sem), 1)
  end)

  t.test(kind .. ":with passes arguments and results, and gives its permit back on errors", function()
    local sem = new(1)
    local results = table.pack(sem:with(function(...)
      t.equal(sem:acquire(false), false)
      return select("#", ...), ...
    end, 1, nil, 3, nil))
    t.equal(results.n, 5)
    t.equal(results[1], 4)
    t.equal(results[4], 3)
    t.raises("inside", sem.with, sem, error, "inside")
    t.raises("function expected", sem.with, sem)
    t.equal(free_permits(sem), 1)
  end)

  t.test(kind .. ":with can be left by a yield and by closing the coroutine", function()
    local sem = new(1)
    local co = coroutine.create(function() return sem:with(coroutine.yield, 7) end)
    t.equal(select(2, coroutine.resume(co)), 7)
    t.equal(free_permits(sem), 0)
    t.equal(select(2, coroutine.resume(co, 8)), 8)
    t.equal(free_permits(sem), 1)
    co = coroutine.create(function() sem:with(coroutine.yield) end)
    coroutine.resume(co)
    coroutine.close(co)
    t.equal(free_permits(sem), 1)
  end)

  t.test(kind .. " of 3 never lets more than 3 of 10 threads in (8)", function()
    t.at_intervals(function()
      local sem, lock, inside, most = new(3), threading.Lock(), 0, 0
      local function count(by)
        local _ <close> = lock:hold()
        inside = inside + by
        most = math.max(most, inside)
      end
      t.join(t.start(10, function()
        for _ = 1, 20 do
          local _ <close> = sem:hold()
          count(1)
          time.sleep(0)
          count(-1)
        end
      end))
      t.equal(inside, 0)
      t.near(most, 1, 3)
      t.equal(free_permits(sem), 3)
    end)
  end)
end

t.test("a Semaphore may be released more often than it was acquired", function()
  local sem = threading.Semaphore(0)
  sem:release()
  sem:release(41)
  t.equal(free_permits(sem), 42)
end)

t.test("a Semaphore does not count beyond the largest integer", function()
  local sem = threading.Semaphore(1)
  sem:release(math.maxinteger - 1)
  local err = t.raises("Semaphore", sem.release, sem)
  t.equal(err:find("BoundedSemaphore"), nil, "the message names another type: " .. err)
  t.equal(sem:acquire(), true)
  sem:release()
end)

t.test("a BoundedSemaphore that is full cannot be released (41)", function()
  local sem = threading.BoundedSemaphore(3)
  t.raises("released more often than it was acquired", sem.release, sem)
  sem:acquire()
  sem:acquire()
  t.raises("released more often", sem.release, sem, 3)
  t.equal(free_permits(sem), 1)
  sem:release(2)
  t.raises("released more often", sem.release, sem)
  t.raises("released more often", sem.release, sem, math.maxinteger)
  t.equal(free_permits(sem), 3)
  t.raises("released more often", threading.BoundedSemaphore(0).release, threading.BoundedSemaphore(0))
end)

t.test("a BoundedSemaphore that several threads release is never more than full (41)", function()
  t.at_intervals(function()
    local sem, refused = threading.BoundedSemaphore(3), 0
    for _ = 1, 3 do sem:acquire() end
    local threads = t.start(5, function() return (pcall(sem.release, sem)) end)
    for _, thread in ipairs(threads) do
      if not thread:result() then refused = refused + 1 end
    end
    t.equal(refused, 2)
    t.equal(free_permits(sem), 3)
  end)
end)

t.test("a BoundedSemaphore released inside its hold raises at the end of the scope", function()
  local sem = threading.BoundedSemaphore(1)
  t.raises("released more often", function()
    local _ <close> = sem:hold()
    sem:release()
  end)
  t.equal(free_permits(sem), 1)
end)

t.test("a Semaphore is collected whatever its count", function()
  local weak = setmetatable({ threading.Semaphore(), threading.BoundedSemaphore(2) }, { __mode = "v" })
  weak[1]:acquire()
  weak[2]:acquire()
  collectgarbage()
  t.equal(next(weak), nil)
end)

t.finish()
