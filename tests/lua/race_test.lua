-- Races between grants, timeouts and switches, on every primitive and from the smallest switch interval up. Granted
-- wins over late: nothing may be lost or given twice, so tokens are counted at the end. Cancels: race_cancel_test.lua.
local t = require "testing"
local threading = require "gilua.threading"
local queue = require "gilua.queue"
local time = require "gilua.time"

local seed = tonumber(arg[1]) or tonumber(os.getenv "TEST_RANDOM_SEED") or 1
print("# seed " .. seed)
math.randomseed(seed)

-- Each thread counts for itself: f(i) returns a number, and these are added up.
local function sum(threads)
  t.join(threads)
  local total = 0
  for _, thread in ipairs(threads) do total = total + thread:result() end
  return total
end

-- About as long as a switch takes: some waits end in time, some do not.
local function tiny() return math.random() * 2e-4 end

local function work() for _ = 1, math.random(0, 30) do end end

local mutexes = {
  Lock = threading.Lock,
  RLock = threading.RLock,
  Condition = threading.Condition,
  ["Condition over a Lock"] = function() return threading.Condition(threading.Lock()) end,
  Semaphore = threading.Semaphore,
  BoundedSemaphore = threading.BoundedSemaphore,
}

for kind, new in pairs(mutexes) do
  t.test(kind .. " keeps a counter right, taken in any of its ways", function()
    t.at_intervals(function()
      local mutex, counter = new(), 0
      local function add()
        local old = counter
        work()
        counter = old + 1
      end
      local ways = {
        function()
          mutex:acquire()
          add()
          mutex:release()
        end,
        function()
          local _ <close> = mutex:hold()
          add()
        end,
        function() mutex:with(add) end,
        function()
          while not mutex:acquire(true, tiny()) do end
          add()
          mutex:release()
        end,
        function()
          while not mutex:acquire(false) do time.sleep(0) end
          add()
          mutex:release()
        end,
      }
      t.join(t.start(5, function(i)
        for k = 1, 60 do ways[(i + k) % 5 + 1]() end
      end))
      t.equal(counter, 300)
      t.equal(mutex:acquire(false), true)
    end)
  end)
end

for _, kind in ipairs { "Semaphore", "BoundedSemaphore" } do
  t.test(kind .. " neither loses nor doubles a permit that comes as the time runs out", function()
    t.at_intervals(function()
      local sem = threading[kind](3)
      local got = sum(t.start(6, function()
        local got = 0
        for _ = 1, 80 do
          if sem:acquire(true, tiny()) then
            got = got + 1
            time.sleep(tiny() / 2)
            sem:release()
          end
        end
        return got
      end))
      t.near(got, 1, 480)
      for _ = 1, 3 do t.equal(sem:acquire(false), true) end
      t.equal(sem:acquire(false), false)
    end)
  end)
end

for _, kind in ipairs { "Queue", "LifoQueue", "PriorityQueue" } do
  t.test(kind .. " neither loses nor doubles an item that comes as the time runs out", function()
    t.at_intervals(function()
      local q = queue[kind](2)
      local getters = t.start(4, function()
        local got = 0
        for _ = 1, 100 do
          local item, why = q:get(true, tiny())
          if item then got = got + item else t.equal(why, "timeout") end
        end
        return got
      end)
      local put = sum(t.start(4, function()
        local put = 0
        for k = 1, 100 do
          local ok, why = q:put(k, true, tiny())
          if ok then put = put + k else t.equal(why, "timeout") end
        end
        return put
      end))
      local got = sum(getters)
      t.near(q:qsize(), 0, 2)
      for item in q.get_nowait, q do got = got + item end
      t.equal(got, put)
      for k = 1, 2 do t.equal(q:put(k, false), true) end -- no place is lost
      t.equal(q:put(3, false), nil)
    end)
  end)
end

t.test("a Condition loses no notify among waiters whose time runs out", function()
  t.at_intervals(function()
    local cond, tokens = threading.Condition(), 0
    local function take(timeout)
      local _ <close> = cond:hold()
      while tokens == 0 do
        if not cond:wait(timeout) and tokens == 0 then return 0 end
      end
      tokens = tokens - 1
      return 1
    end
    local hurried = t.start(3, function()
      local got = 0
      for _ = 1, 60 do got = got + take(tiny()) end
      return got
    end)
    local patient = t.start(3, function()
      local got = 0
      for _ = 1, 60 do got = got + take() end
      return got
    end)
    for _ = 1, 360 do
      cond:with(function()
        tokens = tokens + 1
        cond:notify()
      end)
      work()
    end
    t.equal(sum(patient), 180)
    t.equal(sum(hurried) + tokens, 180)
  end)
end)

t.test("a bounded buffer of two Conditions over one Lock passes every item once", function()
  t.at_intervals(function()
    local lock, items, bound = threading.Lock(), {}, 3
    local not_empty, not_full = threading.Condition(lock), threading.Condition(lock)
    local producers = t.start(3, function()
      for k = 1, 100 do
        local _ <close> = lock:hold()
        not_full:wait_for(function() return #items < bound end)
        items[#items + 1] = k
        not_empty:notify()
      end
    end)
    local got = sum(t.start(3, function()
      local got = 0
      for _ = 1, 100 do
        local _ <close> = lock:hold()
        not_empty:wait_for(function() return #items > 0 end)
        got = got + table.remove(items)
        not_full:notify()
      end
      return got
    end))
    t.join(producers)
    t.equal(got, 3 * 5050)
    t.equal(#items, 0)
  end)
end)

t.test("a token goes round a ring of threads by notify_all", function()
  t.at_intervals(function()
    local cond, turn, n = threading.Condition(), 1, 5
    t.join(t.start(n, function(i)
      for _ = 1, 40 do
        local _ <close> = cond:hold()
        assert(cond:wait_for(function() return turn == i end, t.limit))
        turn = turn % n + 1
        cond:notify_all()
      end
    end))
    t.equal(turn, 1)
  end)
end)

t.test("an Event that is set as the time runs out is seen by the next wait at the latest", function()
  t.at_intervals(function()
    local events = {}
    for k = 1, 100 do events[k] = threading.Event() end
    local setter = threading.start(function()
      for _, event in ipairs(events) do
        time.sleep(tiny())
        event:set()
      end
    end)
    local late = sum(t.start(4, function()
      local late = 0
      for _, event in ipairs(events) do
        if not event:wait(tiny()) then
          late = late + 1
          assert(event:wait(t.limit))
        end
        assert(event:is_set())
      end
      return late
    end))
    t.join { setter }
    t.near(late, 0, 400)
  end)
end)

t.test("a round of a Barrier passes or breaks for all, though times run out", function()
  t.at_intervals(function()
    local barrier, rest = threading.Barrier(3), threading.Barrier(3)
    local passes = {}
    for round = 1, 40 do passes[round] = { 0, 0, 0 } end
    t.join(t.start(3, function(i)
      for round = 1, 40 do
        time.sleep(tiny())
        if barrier:wait(2 * tiny()) then passes[round][i] = 1 end
        if assert(rest:wait(t.limit)) == 3 then barrier:reset() end
        assert(rest:wait(t.limit))
      end
    end))
    for round = 1, 40 do
      local p = passes[round]
      t.equal(p[1], p[2], "round " .. round)
      t.equal(p[2], p[3], "round " .. round)
    end
  end)
end)

t.test("join as its time runs out says true only of a thread that has ended", function()
  t.at_intervals(function()
    for _ = 1, 60 do
      local ended = false
      local thread = threading.start(function()
        time.sleep(tiny())
        ended = true
      end)
      if thread:join(tiny()) then t.equal(ended, true) end
      t.join { thread }
    end
  end)
end)

t.test("threads that take several locks in any order, with timeouts, keep the total", function()
  t.at_intervals(function()
    local n, locks, accounts = 5, {}, {}
    for i = 1, n do locks[i], accounts[i] = (i % 2 == 0 and threading.Lock or threading.RLock)(), 100 end
    local moved = sum(t.start(5, function()
      local moved = 0
      for _ = 1, 60 do
        local from, to = math.random(n), math.random(n - 1)
        if to >= from then to = to + 1 end
        locks[from]:acquire()
        if locks[to]:acquire(true, tiny()) then
          local a, b = accounts[from], accounts[to]
          work()
          accounts[from], accounts[to] = a - 1, b + 1
          locks[to]:release()
          moved = moved + 1
        end
        locks[from]:release()
      end
      return moved
    end))
    t.near(moved, 1, 300)
    local total = 0
    for i = 1, n do
      t.equal(locks[i]:acquire(false), true)
      total = total + accounts[i]
    end
    t.equal(total, 100 * n)
  end)
end)

t.finish()
