-- Barrier: abort, reset, timeouts, errors and cancels (behaviour 42).
local t = require "testing"
local threading = require "gilua.threading"
local time = require "gilua.time"

local function start_waiters(barrier, n, timeout)
  local threads = t.start(n, function() return barrier:wait(timeout) end)
  t.parked(threads, "barrier")
  return threads
end

local function is_broken(value, reason, ...)
  t.equal(value, nil)
  t.equal(reason, "broken")
  t.equal(select("#", ...), 0)
end

-- A round must pass, so the barrier is as good as new.
local function passes(barrier)
  t.equal(barrier.broken, false)
  t.equal(barrier.n_waiting, 0)
  local threads = start_waiters(barrier, barrier.parties - 1)
  t.equal(barrier:wait(), barrier.parties)
  for _, thread in ipairs(threads) do t.equal(math.type((thread:result())), "integer") end
end

t.test("abort breaks the Barrier for all who wait and all who come (42)", function()
  local barrier = threading.Barrier(4)
  local threads = start_waiters(barrier, 3)
  t.equal(select("#", barrier:abort()), 0)
  for _, thread in ipairs(threads) do is_broken(thread:result()) end
  t.equal(barrier.broken, true)
  is_broken(barrier:wait())
  is_broken(barrier:wait(0))
  is_broken(threading.start(barrier.wait, barrier):result())
  barrier:abort()
  t.equal(barrier.broken, true)
end)

t.test("abort of a Barrier where nobody waits breaks it too", function()
  local barrier, runs = nil, 0
  barrier = threading.Barrier(1, function() runs = runs + 1 end)
  barrier:abort()
  is_broken(barrier:wait())
  t.equal(runs, 0)
end)

t.test("reset releases who waits, and the Barrier works again (42)", function()
  local barrier = threading.Barrier(3)
  for _ = 1, 3 do
    local threads = start_waiters(barrier, 2)
    t.equal(select("#", barrier:reset()), 0)
    for _, thread in ipairs(threads) do is_broken(thread:result()) end
    passes(barrier)
  end
end)

t.test("reset mends a broken Barrier, and does nothing to a good one", function()
  local barrier = threading.Barrier(2)
  barrier:reset()
  passes(barrier)
  barrier:abort()
  barrier:reset()
  passes(barrier)
end)

t.test("a wait that takes too long breaks the Barrier for all (42)", function()
  local barrier = threading.Barrier(4)
  local threads = start_waiters(barrier, 2)
  local t0 = time.monotonic()
  is_broken(barrier:wait(0.05))
  t.near(time.monotonic() - t0, 0.049, t.limit)
  for _, thread in ipairs(threads) do is_broken(thread:result()) end
  t.equal(barrier.broken, true)
  t.equal(barrier.n_waiting, 0)
  barrier:reset()
  passes(barrier)
end)

t.test("a wait of no time breaks the Barrier unless it is the last", function()
  local barrier = threading.Barrier(2)
  is_broken(barrier:wait(0))
  barrier:reset()
  local thread = start_waiters(barrier, 1)[1]
  t.equal(barrier:wait(0), 2)
  t.equal(thread:result(), 1)
end)

t.test("the Barrier's own timeout is for waits that name none (42)", function()
  local barrier = threading.Barrier(2, nil, 0.02)
  local t0 = time.monotonic()
  is_broken(barrier:wait())
  t.near(time.monotonic() - t0, 0.019, t.limit)
  barrier:reset()
  is_broken(barrier:wait(nil))
  barrier:reset()
  local thread = threading.start(barrier.wait, barrier, t.limit)
  t.parked(thread, "barrier")
  time.sleep(0.03)
  t.equal(barrier:wait(), 2)
  t.equal(thread:result(), 1)
end)

t.test("an error in the action is raised in the last to come and breaks the Barrier (42)", function()
  local barrier = threading.Barrier(3, function() error({ "my error" }) end)
  local threads = start_waiters(barrier, 2)
  local ok, err = pcall(barrier.wait, barrier)
  t.equal(ok, false)
  t.equal(err[1], "my error")
  for _, thread in ipairs(threads) do is_broken(thread:result()) end
  t.equal(barrier.broken, true)
end)

t.test("a cancel of the thread that runs the action breaks the Barrier", function()
  local barrier = threading.Barrier(2, function() time.sleep(1e6) end)
  local waiter = start_waiters(barrier, 1)[1]
  local actor = threading.start(barrier.wait, barrier)
  t.parked(actor, "sleep")
  actor:cancel()
  t.raises_kind("cancelled", actor.result, actor)
  is_broken(waiter:result())
  t.equal(barrier.broken, true)
end)

-- Runs change(barrier) while the action of a barrier of two runs and a third thread waits for the next round; returns
-- the barrier and the threads: who waits, who runs the action, who came later.
local function during_action(change)
  local go, mended = threading.Event(), false
  local barrier = threading.Barrier(2, function() if not mended then go:wait() end end)
  local waiter = start_waiters(barrier, 1)[1]
  local actor = threading.start(barrier.wait, barrier)
  t.parked(actor, "event")
  local late = start_waiters(barrier, 1)[1]
  change(barrier)
  mended = true
  go:set()
  return barrier, waiter, actor, late
end

t.test("abort during the action breaks the round for all, the one who runs it too", function()
  local barrier, waiter, actor, late = during_action(function(b) b:abort() end)
  is_broken(waiter:result())
  is_broken(actor:result())
  is_broken(late:result())
  t.equal(barrier.broken, true)
end)

t.test("reset during the action breaks that round only", function()
  local barrier, waiter, actor, late = during_action(function(b) b:reset() end)
  is_broken(waiter:result())
  is_broken(actor:result())
  t.parked(late, "barrier")
  t.eventually(function() return barrier.n_waiting == 1 end, "the late one to count")
  t.equal(barrier:wait(), 2)
  t.equal(late:result(), 1)
  passes(barrier)
end)

t.test("a round that begins after a reset is not ended by the action of the one before", function()
  local old_may_end, new_may_end, runs = threading.Event(), threading.Event(), 0
  local barrier = threading.Barrier(2, function()
    runs = runs + 1
    if runs == 1 then old_may_end:wait() else new_may_end:wait() end
  end)
  local waiter = start_waiters(barrier, 1)[1]
  local actor = threading.start(barrier.wait, barrier)
  t.parked(actor, "event")
  barrier:reset()
  is_broken(waiter:result())
  local new_waiter = start_waiters(barrier, 1)[1]
  local new_actor = threading.start(barrier.wait, barrier)
  t.parked(new_actor, "event")
  old_may_end:set()
  is_broken(actor:result())
  t.parked(new_waiter, "barrier")
  new_may_end:set()
  t.equal(new_waiter:result(), 1)
  t.equal(new_actor:result(), 2)
  t.equal(runs, 2)
end)

t.test("an action that aborts or resets its own Barrier breaks the round", function()
  for _, method in ipairs { "abort", "reset" } do
    local barrier
    barrier = threading.Barrier(2, function() barrier[method](barrier) end)
    local waiter = start_waiters(barrier, 1)[1]
    is_broken(barrier:wait())
    is_broken(waiter:result())
    t.equal(barrier.broken, method == "abort")
  end
end)

t.test("a cancelled waiter leaves the Barrier to the others, and its place to another", function()
  local barrier = threading.Barrier(3)
  local threads = start_waiters(barrier, 2)
  threads[2]:cancel()
  t.raises_kind("cancelled", threads[2].result, threads[2])
  t.equal(barrier.n_waiting, 1)
  t.equal(barrier.broken, false)
  local another = start_waiters(barrier, 1)[1]
  t.equal(barrier:wait(), 3)
  t.near(threads[1]:result(), 1, 2)
  t.near(another:result(), 1, 2)
end)

t.test("the numbers of a round are a permutation although the first to come was cancelled", function()
  local barrier = threading.Barrier(3)
  local first = start_waiters(barrier, 1)[1]
  local second = start_waiters(barrier, 1)[1]
  first:cancel()
  first:join()
  local third = start_waiters(barrier, 1)[1]
  local numbers = { barrier:wait(), second:result(), third:result() }
  table.sort(numbers)
  t.equal(table.concat(numbers, " "), "1 2 3")
end)

t.test("a cancelled newcomer does not disturb the round whose action runs", function()
  local barrier, waiter, actor, late = during_action(function() end)
  late:cancel()
  late:join()
  t.equal(waiter:result(), 1)
  t.equal(actor:result(), 2)
  barrier:reset() -- the late one may have counted already
  passes(barrier)
end)

t.test("resets and aborts among rounds leave nobody behind, whatever the switch interval", function()
  t.at_intervals(function()
    local barrier, done, rounds = threading.Barrier(3), false, 0
    local threads = t.start(3, function()
      while not done do
        local value, reason = barrier:wait()
        if value == 3 then rounds = rounds + 1 end
        assert(value or reason == "broken")
        time.sleep(0)
      end
    end)
    for _ = 1, 50 do
      barrier:abort()
      barrier:reset()
      time.sleep(0.0001)
    end
    t.eventually(function() return rounds > 0 end, "a round to pass")
    done = true
    barrier:abort()
    t.join(threads)
  end)
end)

t.finish()
