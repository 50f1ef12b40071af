-- Races between cancels and grants. A cancelled thread has what its wait returned, or raised and has nothing. Where a
-- thread runs one C function and nothing else, its result tells which: no cancel can come after it.
local t = require "testing"
local threading = require "gilua.threading"
local queue = require "gilua.queue"
local time = require "gilua.time"
local gilua = require "gilua"

local seed = tonumber(arg[1]) or tonumber(os.getenv "TEST_RANDOM_SEED") or 1
print("# seed " .. seed)
math.randomseed(seed)

local function tiny() return math.random() * 1e-4 end

local function work() for _ = 1, math.random(0, 30) do end end

-- What the thread returned, or nil if it was cancelled; any other error is one.
local function outcome(thread)
  if not thread:join(t.limit) then error(tostring(thread) .. " did not end") end
  local ok, value = pcall(thread.result, thread)
  if ok then return value end
  if not gilua.is_error(value, "cancelled") then error(value) end
end

-- Starts n threads that run object:method(), gives n times and cancels some of them at the same time.
local function contest(object, method, n, give)
  local threads = {}
  for i = 1, n do threads[i] = threading.start(object[method], object) end
  local giver = threading.start(function()
    for i = 1, n do
      give(i)
      work()
    end
  end)
  for i = 1, n do
    if math.random(3) > 1 then threads[math.random(n)]:cancel() end
    work()
  end
  t.join { giver }
  return threads
end

for _, kind in ipairs { "Semaphore", "BoundedSemaphore" } do
  t.test(kind .. ": a cancel that meets a permit takes it or leaves it", function()
    t.at_intervals(function()
      for _ = 1, 20 do
        local sem = threading[kind](8)
        for _ = 1, 8 do sem:acquire() end
        local threads, left = contest(sem, "acquire", 8, function() sem:release() end), 8
        for _, thread in ipairs(threads) do
          if outcome(thread) then left = left - 1 end
        end
        for _ = 1, left do t.equal(sem:acquire(false), true) end
        t.equal(sem:acquire(false), false)
      end
    end)
  end)
end

for _, kind in ipairs { "Queue", "LifoQueue", "PriorityQueue" } do
  t.test(kind .. ": a cancel that meets an item takes it or leaves it", function()
    t.at_intervals(function()
      for _ = 1, 20 do
        local q, seen = queue[kind](), {}
        local threads = contest(q, "get", 8, function(i) q:put(i) end)
        for _, thread in ipairs(threads) do
          local item = outcome(thread)
          if item then
            t.equal(seen[item], nil)
            seen[item] = true
          end
        end
        for item in q.get_nowait, q do
          t.equal(seen[item], nil)
          seen[item] = true
        end
        for i = 1, 8 do t.equal(seen[i], true) end
      end
    end)
  end)

  t.test(kind .. ": a cancel that meets a free place puts its item or does not", function()
    t.at_intervals(function()
      for _ = 1, 20 do
        local q, put, got = queue[kind](1), 0, 0
        local threads = {}
        for i = 1, 8 do threads[i] = threading.start(q.put, q, 2 ^ i) end
        local getter = threading.start(function()
          for _ = 1, 8 do
            got = got + (q:get(true, tiny()) or 0)
            work()
          end
        end)
        for _ = 1, 8 do
          threads[math.random(8)]:cancel()
          work()
        end
        t.join { getter }
        local ended
        repeat
          ended = true
          for _, thread in ipairs(threads) do ended = not thread:is_alive() and ended end
          got = got + (q:get(true, 1e-4) or 0)
        until ended
        got = got + (q:get(false) or 0)
        for i, thread in ipairs(threads) do
          if outcome(thread) then put = put + 2 ^ i end
        end
        t.equal(got, put)
        t.equal(q:put("free", false), true)
      end
    end)
  end)
end

t.test("Lock: a cancel that meets the release takes the lock or leaves it", function()
  t.at_intervals(function()
    for _ = 1, 60 do
      local lock = threading.Lock()
      lock:acquire()
      local thread = threading.start(lock.acquire, lock)
      work()
      local releaser = threading.start(lock.release, lock)
      work()
      thread:cancel()
      t.join { releaser }
      local got = outcome(thread) or false
      t.equal(lock:locked(), got)
    end
  end)
end)

t.test("Event: a cancelled wait is cancelled or returns true", function()
  t.at_intervals(function()
    for _ = 1, 20 do
      local event = threading.Event()
      local threads = contest(event, "wait", 4, function(i) if i == 4 then event:set() end end)
      for _, thread in ipairs(threads) do outcome(thread) end
      t.equal(event:is_set(), true)
    end
  end)
end)

t.test("Barrier: cancelled waiters leave it empty, and the others pass", function()
  t.at_intervals(function()
    for _ = 1, 30 do
      local barrier, passed = threading.Barrier(3), 0
      local threads = {}
      for i = 1, 5 do threads[i] = threading.start(barrier.wait, barrier) end
      work()
      threads[math.random(5)]:cancel()
      local ended
      repeat -- 5 less one: a round of 3, and some that wait for more
        ended = 0
        for _, thread in ipairs(threads) do
          if not thread:is_alive() then ended = ended + 1 end
        end
        time.sleep(0)
      until ended >= 3 and ended + barrier.n_waiting == 5
      for _, thread in ipairs(threads) do thread:cancel() end
      for _, thread in ipairs(threads) do
        if outcome(thread) then passed = passed + 1 end
      end
      t.equal(passed, 3)
      t.equal(barrier.n_waiting, 0)
      t.equal(barrier.broken, false)
    end
  end)
end)

local holders = {
  Lock = threading.Lock,
  RLock = threading.RLock,
  Condition = threading.Condition,
  BoundedSemaphore = threading.BoundedSemaphore,
}

for kind, new in pairs(holders) do
  t.test(kind .. ": hold and with leave nothing held, whenever the cancel comes", function()
    t.at_intervals(function()
      local mutex = new()
      local function hold()
        local _ <close> = mutex:hold()
        work()
      end
      for _ = 1, 5 do
        local threads = t.start(6, function(i)
          while true do
            if i % 2 == 0 then hold() else mutex:with(work) end
          end
        end)
        for _, thread in ipairs(threads) do
          time.sleep(tiny())
          thread:cancel()
        end
        for _, thread in ipairs(threads) do t.equal(outcome(thread), nil) end
      end
      t.equal(mutex:acquire(false), true)
      mutex:release()
      if kind == "BoundedSemaphore" then t.raises("more often", mutex.release, mutex) end
    end)
  end)
end

t.test("Condition: wait comes back with the lock, whenever the cancel comes", function()
  t.at_intervals(function()
    for _, lock in ipairs { threading.Lock(), threading.RLock() } do
      local cond, state = threading.Condition(lock), 0
      local threads = t.start(6, function(i)
        while true do
          local _ <close> = cond:hold() -- its release raises if wait came back without the lock
          state = i
          cond:wait(i % 2 == 0 and tiny() or nil)
          state = i
          work()
        end
      end)
      for round = 1, 3 do
        for _, thread in ipairs(threads) do
          cond:with(cond.notify, cond, math.random(0, 3))
          if round == 3 then thread:cancel() end
          work()
        end
      end
      for _, thread in ipairs(threads) do t.equal(outcome(thread), nil) end
      t.equal(cond:acquire(false), true)
      cond:release()
      t.equal(lock:locked(), false)
    end
  end)
end)

t.test("sleep and join end by a cancel at whatever moment", function()
  t.at_intervals(function()
    for _ = 1, 20 do
      local sleeper = threading.start(time.sleep, 1e6)
      local joiner = threading.start(sleeper.join, sleeper)
      work()
      joiner:cancel()
      work()
      sleeper:cancel()
      t.raises_kind("cancelled", sleeper.result, sleeper)
      outcome(joiner)
    end
  end)
end)

t.finish()
