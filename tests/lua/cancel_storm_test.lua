-- Cancels at random moments of every wait that somebody else ends, under each policy: what is given to one that leaves
-- goes to another, what it waited for is as it was, and the object goes on.
local t = require "testing"
local gilua = require "gilua"
local gil = require "gilua.gil"
local threading = require "gilua.threading"
local futures = require "gilua.futures"
local time = require "gilua.time"

local seed = tonumber(arg[1]) or tonumber(os.getenv "TEST_RANDOM_SEED") or 1
print("# seed " .. seed)
math.randomseed(seed)

local ROUNDS = t.polls and 2 or 8

local function work() for _ = 1, math.random(0, 100) do end end
local function moment() if math.random(2) == 1 then work() else time.sleep(math.random() * 1e-4) end end

local function test(name, f)
  t.test(name, function()
    local old = gil.policy()
    for _, policy in ipairs { "fair", "interval", "ticks" } do
      gil.policy(policy)
      for round = 1, ROUNDS do
        gil.switch_interval(({ 5e-3, 1e-5, 1e-6 })[round % 3 + 1])
        f()
      end
    end
    gil.switch_interval(5e-3)
    gil.policy(old)
  end)
end

-- Whether the thread ended by itself (and its results), or was cancelled.
local function outcome(thread)
  if not thread:join(t.limit) then error(tostring(thread) .. " did not end: it waits for " .. tostring(thread.waits_for)) end
  local results = table.pack(pcall(thread.result, thread))
  if not results[1] and not gilua.is_error(results[2], "cancelled") then error(results[2]) end
  return table.unpack(results, 1, results.n)
end

-- Cancels some of the threads, at most `most`, while give() is called `times` times.
local function storm(threads, most, times, give)
  local giver = threading.start(function()
    for _ = 1, times do
      give()
      moment()
    end
  end)
  for _ = 1, most do
    threads[math.random(#threads)]:cancel()
    moment()
  end
  t.join { giver }
end

local function count_passed(threads)
  local passed = 0
  for _, thread in ipairs(threads) do
    if outcome(thread) then passed = passed + 1 end
  end
  return passed
end

test("a Condition: as many waits return as were notified", function()
  local condition = threading.Condition(math.random(2) == 1 and threading.Lock() or nil)
  local threads = {} -- each is one C function: its result tells whether it was notified
  for i = 1, 8 do threads[i] = threading.start(condition.with, condition, condition.wait, condition) end
  t.parked(threads, "condition")
  storm(threads, 4, 4, function() condition:with(condition.notify, condition) end)
  local function count_returned()
    local returned = 0
    for _, thread in ipairs(threads) do
      if not thread:is_alive() and outcome(thread) then returned = returned + 1 end
    end
    return returned
  end
  t.eventually(function() return count_returned() == 4 end, "four waits to return")
  for _, thread in ipairs(threads) do thread:cancel() end
  t.equal(count_passed(threads), 4)
  t.equal(condition:locked(), false)
end)

test("a Barrier: who is cancelled is not counted, and the others pass together", function()
  local barrier = threading.Barrier(4, function() work() end)
  local threads, stop = t.start(4, function() return barrier:wait() end), false
  local helper = threading.start(function() -- comes in the place of those that leave
    while not stop do
      if barrier.n_waiting > 0 then barrier:wait(0.05) end
      if barrier.broken then barrier:reset() end
      time.sleep(1e-4)
    end
  end)
  for _ = 1, 2 do
    threads[math.random(4)]:cancel()
    moment()
  end
  for _, thread in ipairs(threads) do outcome(thread) end
  stop = true
  t.join { helper }
  if barrier.broken then barrier:reset() end -- a cancel amid the action broke it, and the helper did not look any more
  t.equal(barrier.n_waiting, 0)
  local numbers = {}
  for _, thread in ipairs(t.start(4, function() return barrier:wait(t.limit) end)) do numbers[thread:result()] = true end
  t.equal(#numbers, 4, "numbers of the next round")
end)

test("an Event: set ends every wait that is not cancelled", function()
  local event = threading.Event()
  local threads = t.start(6, function() return event:wait() end)
  storm(threads, 3, 1, function() event:set() end)
  for _, thread in ipairs(threads) do
    local passed, value = outcome(thread)
    if passed then t.equal(value, true) end
  end
end)

test("locks: a hold that is cancelled leaves nothing held, also in coroutines", function()
  for _, lock in ipairs { threading.Lock(), threading.RLock(), threading.Condition(), threading.Semaphore(1) } do
    local inside
    local function once(i)
      local _ <close> = lock:hold()
      inside = i
      work()
      if inside ~= i then error "two threads inside" end
    end
    local threads = t.start(4, function(i)
      local step = i % 2 == 0 and once or coroutine.wrap(function() while true do once(i) coroutine.yield() end end)
      while true do step(i) end
    end)
    storm(threads, 8, 0)
    for _, thread in ipairs(threads) do
      thread:cancel()
      outcome(thread)
    end
    collectgarbage() -- a coroutine that was cancelled in a hold is closed by nobody
    t.equal(lock:acquire(true, t.limit), true)
  end
end)

test("a join or result that is cancelled leaves the thread and its results as they are", function()
  local gate = threading.Event()
  local target = threading.start(function() gate:wait() return "result" end)
  local threads = t.start(6, function(i) if i % 2 == 0 then target:join() else return target:result() end end)
  storm(threads, 3, 1, function() gate:set() end)
  count_passed(threads)
  t.equal(target:result(t.limit), "result")
end)

test("a Timer calls its function, or cancel says that it does not", function()
  local called = 0
  local timer = threading.Timer(math.random() * 2e-4, function() called = called + 1 end):start()
  local cancels = t.start(3, function() moment() return timer:cancel() end)
  local off = false
  for _, thread in ipairs(cancels) do off = thread:result(t.limit) or off end
  t.equal(timer:join(t.limit), true)
  t.equal(called, off and 0 or 1)
end)

-- Waits for futures, of threads that are cancelled; futures that the pool decides meanwhile.
test("a pool: waits that are cancelled leave its futures alone, and each task runs once", function()
  local pool <close> = futures.ThreadPoolExecutor(2)
  local runs, list, gate = {}, {}, threading.Event()
  for i = 1, 8 do
    list[i] = pool:submit(function()
      gate:wait()
      runs[i] = (runs[i] or 0) + 1
      return i
    end)
  end
  local ways = {
    function(i) return list[i]:result() end,
    function() return #(futures.wait(list)) end,
    function() for f in futures.as_completed(list) do f:done() end end,
    function() for _ in pool:map(work, { 1, 2, 3 }) do end end,
    function(i) return pool:submit(work):result(), i end,
    function() local own <close> = futures.ThreadPoolExecutor(1) own:submit(gate.wait, gate) end,
  }
  local threads = t.start(6, function(i) return ways[i](i) end)
  storm(threads, 4, 1, function() gate:set() end)
  count_passed(threads)
  for i, future in ipairs(list) do
    t.equal(future:result(t.limit), i)
    t.equal(runs[i], 1)
  end
end)

test("a Future of the program: one decides it, whoever is cancelled", function()
  local future, called = futures.Future(), threading.Event()
  future:add_done_callback(function() called:set() end)
  local threads = t.start(4, function(i)
    if i > 2 then return future:result() end
    moment()
    return (pcall(future.set_result, future, i))
  end)
  storm(threads, 2, 1, function() pcall(future.set_result, future, 0) end)
  local passed = count_passed(threads)
  t.equal(passed >= 2, true)
  t.equal(math.type(future:result(0)), "integer")
  t.equal(called:wait(t.limit), true)
end)

test("require: a load that is cancelled is begun again by one who waits", function()
  package.loaded.storm, package.preload.storm = nil, function()
    time.sleep(1e-4)
    return {}
  end
  local threads = t.start(5, function() return (require "storm") end)
  storm(threads, 4, 0)
  local module = package.loaded.storm or require "storm"
  for _, thread in ipairs(threads) do
    local passed, value = outcome(thread)
    if passed then t.equal(value, module) end
  end
end)

t.finish()
