-- Barrier: behaviour 42. What breaks one is in barrier_broken_test.lua.
local t = require "testing"
local threading = require "gilua.threading"
local time = require "gilua.time"

-- Starts n threads that wait at the barrier, parked.
local function start_waiters(barrier, n, timeout)
  local threads = t.start(n, function() return barrier:wait(timeout) end)
  t.parked(threads, "barrier")
  return threads
end

-- The values must be 1 … #values, each once.
local function permutation(values)
  table.sort(values)
  for i, value in ipairs(values) do
    if value ~= i then error("not a permutation: " .. table.concat(values, " "), 2) end
  end
end

t.test("a Barrier lets its threads pass together, each with a number of its own (42)", function()
  local barrier = threading.Barrier(4)
  local threads = start_waiters(barrier, 3)
  t.equal(barrier.n_waiting, 3)
  local values = { (barrier:wait()) }
  for _, thread in ipairs(threads) do values[#values + 1] = thread:result() end
  t.equal(#values, 4)
  permutation(values)
  t.equal(barrier.n_waiting, 0)
  t.equal(barrier.broken, false)
end)

t.test("threads number themselves in the order they come", function()
  local barrier, threads = threading.Barrier(3), {}
  for i = 1, 2 do
    threads[i] = threading.start(barrier.wait, barrier)
    t.parked(threads[i], "barrier")
  end
  t.equal(barrier:wait(), 3)
  t.equal(threads[1]:result(), 1)
  t.equal(threads[2]:result(), 2)
end)

t.test("a Barrier of one passes at once (42)", function()
  local barrier, runs = threading.Barrier(1), 0
  t.equal(barrier:wait(), 1)
  t.equal(barrier:wait(0), 1)
  barrier = threading.Barrier(1, function() runs = runs + 1 end)
  for i = 1, 3 do
    t.equal(barrier:wait(), 1)
    t.equal(runs, i)
  end
end)

t.test("a Barrier tells its parties, who waits and whether it is broken, and lets nobody set them", function()
  local barrier = threading.Barrier(3)
  t.equal(barrier.parties, 3)
  t.equal(barrier.n_waiting, 0)
  t.equal(barrier.broken, false)
  t.equal(barrier.nothing, nil)
  for _, field in ipairs { "parties", "n_waiting", "broken", "nothing" } do
    t.raises("no field '" .. field .. "' that can be set", function() barrier[field] = 1 end)
  end
  local threads = start_waiters(barrier, 2)
  t.equal(barrier.n_waiting, 2)
  barrier:abort()
  t.join(threads)
  t.equal(barrier.broken, true)
  t.equal(barrier.n_waiting, 0)
end)

t.test("a Barrier has one party or more, an action that can be called and a good timeout", function()
  for _, n in ipairs { 0, -1, math.mininteger } do t.raises("must be one or more", threading.Barrier, n) end
  t.raises("number expected", threading.Barrier)
  t.raises("integer representation", threading.Barrier, 1.5)
  t.raises("function expected", threading.Barrier, 2, 3)
  t.raises("function expected", threading.Barrier, 2, {})
  t.raises("negative or NaN", threading.Barrier, 2, nil, -1)
  t.raises("negative or NaN", threading.Barrier, 2, nil, 0 / 0)
  t.raises("number expected", threading.Barrier, 2, nil, {})
end)

t.test("threads pass a Barrier in lock-step, ten times, whatever the switch interval (42)", function()
  t.at_intervals(function()
    local n, rounds = 5, 10
    local lock, values, round_of = threading.Lock(), {}, {}
    local barrier = threading.Barrier(n)
    for round = 1, rounds do values[round] = {} end
    t.join(t.start(n, function(i)
      for round = 1, rounds do
        round_of[i] = round
        local value = barrier:wait()
        for other = 1, n do -- nobody is still behind, nobody is two ahead
          t.near(round_of[other], round, round + 1)
        end
        lock:with(table.insert, values[round], value)
      end
    end))
    for round = 1, rounds do
      t.equal(#values[round], n)
      permutation(values[round])
    end
  end)
end)

t.test("the action runs once a round, on the last to come, before anybody passes (42)", function()
  t.at_intervals(function()
    local n, rounds, runs, runner = 4, 10, 0, nil
    local barrier, passed = nil, 0
    local lock = threading.Lock()
    barrier = threading.Barrier(n, function(...)
      t.equal(select("#", ...), 0)
      t.equal(passed, runs * n)
      t.equal(barrier.n_waiting, 0)
      runs, runner = runs + 1, threading.get_ident()
    end)
    local rest = threading.Barrier(n)
    t.join(t.start(n, function()
      for round = 1, rounds do
        local value = barrier:wait()
        t.equal(runs, round)
        t.equal(value == n, runner == threading.get_ident())
        lock:with(function() passed = passed + 1 end)
        rest:wait()
      end
    end))
    t.equal(runs, rounds)
    t.equal(passed, n * rounds)
  end)
end)

t.test("the action may be a table that can be called", function()
  local runs = 0
  local barrier = threading.Barrier(1, setmetatable({}, { __call = function() runs = runs + 1 end }))
  t.equal(barrier:wait(), 1)
  t.equal(runs, 1)
end)

t.test("who comes while the action runs belongs to the next round", function()
  local may_end, runs = threading.Event(), 0
  local barrier = threading.Barrier(2, function()
    runs = runs + 1
    may_end:wait()
  end)
  local first = start_waiters(barrier, 1)[1]
  local actor = threading.start(barrier.wait, barrier)
  t.parked(actor, "event")
  local next_round = start_waiters(barrier, 1)[1]
  may_end:set()
  t.equal(first:result(), 1)
  t.equal(actor:result(), 2)
  t.parked(next_round, "barrier")
  t.eventually(function() return barrier.n_waiting == 1 end, "it to count in the next round")
  t.equal(barrier:wait(), 2)
  t.equal(next_round:result(), 1)
  t.equal(runs, 2)
end)

t.test("more threads than parties pass in groups, whatever the switch interval", function()
  t.at_intervals(function()
    local rounds, lock, passed = 0, threading.Lock(), { 0, 0, 0 }
    local barrier = threading.Barrier(3, function()
      rounds = rounds + 1
      time.sleep(0)
    end)
    local threads = t.start(8, function()
      for value in barrier.wait, barrier do
        lock:with(function() passed[value] = passed[value] + 1 end)
      end
    end)
    t.eventually(function() return rounds >= 30 end, "30 rounds")
    barrier:abort()
    t.join(threads)
    t.near(passed[3], rounds - 1, rounds) -- abort may have met the last action
    t.equal(passed[1], passed[3])
    t.equal(passed[2], passed[3])
  end)
end)

t.test("a Barrier is collected with its action", function()
  local weak = setmetatable({}, { __mode = "v" })
  do
    weak.barrier = threading.Barrier(2, function() return weak.barrier end)
  end
  collectgarbage()
  t.equal(weak.barrier, nil)
end)

t.finish()
