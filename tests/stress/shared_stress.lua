-- Items through a queue between processes while both sides are killed at random: each comes out at most once and whole, and none is
-- lost but what a killed consumer had taken out. Locks, permits and memory of the dead come back.
-- usage: shared_stress.lua [items [seed [producers [consumers]]]]
local mp = require "gilua.multiprocessing"
local time = require "gilua.time"

-- The hostile build collects without a pause; there all takes a hundred times as long.
local pause = collectgarbage("setpause", 200)
collectgarbage("setpause", pause)
local items = tonumber(arg[1]) or pause < 10 and 300 or 100000
local seed = tonumber(arg[2]) or tonumber(os.getenv "TEST_RANDOM_SEED") or 1
local nproducers, nconsumers = tonumber(arg[3]) or 2, tonumber(arg[4]) or 2
print(("# %d items, seed %d, %d producers, %d consumers"):format(items, seed, nproducers, nconsumers))
math.randomseed(seed)

local queue = mp.Queue(500)
local got = mp.shared_array("u8", items + 1) -- element 1 + n: how often item n came out, n from 1
local lock, locked, permits = mp.Lock(), mp.Value("i64", 0), mp.Semaphore(2)

-- Numbers are put for most, strings that say the number for some, in a piece of memory of their own for few.
local function produce(to, reached, first, last, step)
  local kinds = { [0] = ("k"):rep(3000), [50] = ("l"):rep(100000) }
  for n = first, last, step do
    local tail = n % 1000 == 0 and kinds[50] or n % 50 == 0 and kinds[0]
    assert(to:put(tail and n .. tail or n))
    reached.value = n
  end
end

-- Beside the items they take a lock and a permit now and then, and may die with them.
local function consume(from, count, l, held, sem)
  for i = 1, math.huge do
    local item = from:get()
    local n = item
    if type(item) == "string" then
      n = math.tointeger(tonumber(item:match "^%d+"))
      assert(#item == #tostring(n) + (n % 1000 == 0 and 100000 or 3000), "an item that is not whole")
    end
    count[n + 1] = count[n + 1] + 1
    if i % 20 == 0 then
      l:acquire()
      assert(held:add(1) >= 1)
      l:release()
      sem:acquire()
      sem:release()
    end
  end
end

local producers, consumers, kills, eaten = {}, {}, 0, 0
local unsure = {} -- items of which a killed producer may have put one or not

local function start_producer(p)
  p.process = mp.Process { target = produce, args = { queue, p.reached, p.next, items, nproducers }, daemon = true }:start()
end

local function start_consumer(c)
  c.process = mp.Process { target = consume, args = { queue, got, lock, locked, permits }, daemon = true }:start()
end

for i = 1, nproducers do
  producers[i] = { reached = mp.Value("i64", 0), next = i }
  start_producer(producers[i])
end
for i = 1, nconsumers do
  consumers[i] = {}
  start_consumer(consumers[i])
end

local function end_of(p)
  p.process:kill()
  p.process:join()
  assert(p.process.exitcode == 0 or p.process.exitcode == -9, "a process failed")
  kills = kills + 1
end

local function kill_producer(p)
  end_of(p)
  local reached = p.reached.value
  if reached < p.next then reached = p.next - nproducers end
  if reached + nproducers <= items then unsure[reached + nproducers] = true end
  p.next = reached + 2 * nproducers
  if p.next <= items then start_producer(p) end
end

local function left()
  local n = 0
  for _, p in ipairs(producers) do n = n + (p.process:is_alive() and 1 or 0) end
  return n
end

while left() > 0 do
  time.sleep(math.random() * 0.003)
  local i = math.random(nproducers + nconsumers)
  if i <= nproducers then
    if producers[i].process:is_alive() then kill_producer(producers[i]) end
  else
    end_of(consumers[i - nproducers])
    eaten = eaten + 1
    start_consumer(consumers[i - nproducers])
  end
end

local deadline = time.monotonic() + 120
while queue:qsize() > 0 do
  assert(time.monotonic() < deadline, "the consumers do not go on")
  time.sleep(0.01)
end
for _, c in ipairs(consumers) do end_of(c) end
eaten = eaten + nconsumers

local missing, came = 0, 0
for n = 1, items do
  local times = got[n + 1]
  assert(times <= 1, "an item came out twice")
  came = came + times
  if times == 0 and not unsure[n] then missing = missing + 1 end
end
assert(missing <= eaten, ("%d items are lost, and only %d consumers were killed"):format(missing, eaten))
assert(lock:acquire(true, 120), "a lock stays with the dead")
assert(permits:acquire(true, 120) and permits:acquire(true, 120) and not permits:acquire(false), "permits are lost")
print(("# %d came out, %d processes were killed, %d items went with a consumer"):format(came, kills, missing))
print "ok - items through the deaths of both sides"
