-- Recordings start and end, dumps are made and deadlocks are looked for while threads do random things. For the
-- sanitizers above all.
local threading = require "gilua.threading"
local queue = require "gilua.queue"
local time = require "gilua.time"
local gil = require "gilua.gil"

local seed = tonumber(os.getenv "TEST_RANDOM_SEED") or 1
math.randomseed(seed)
print("# seed " .. seed)
gil.switch_interval(2e-5)
local stop, actions = false, 0
local q, locks = queue.Queue(3), { threading.Lock(), threading.RLock(), threading.Condition() }

local acts = {
  function() q:put(1, true, 0.001) end,
  function() q:get(true, 0.001) end,
  function() time.sleep(0.0001) end,
  function() for _ = 1, 1000 do local _ = {} end end,
  function() threading.start(function() time.sleep(0) end):join() end,
  function()
    local first <close> = locks[math.random(3)]:hold()
    time.sleep(0)
  end,
  function()
    if locks[2]:acquire(true, 0.001) then locks[2]:release() end
  end,
  function() coroutine.wrap(function() coroutine.yield(time.sleep(0)) end)() end,
}

local threads = {}
for i = 1, 5 do
  threads[i] = threading.start(function()
    while not stop do
      acts[math.random(#acts)]()
      actions = actions + 1
    end
  end)
end

local reports = 0
gil.on_long_hold(0.0005, function() reports = reports + 1 end)
local paths = { os.tmpname() .. ".json", os.tmpname() .. ".html" }
local deadline, rounds = time.monotonic() + 3, 0
while time.monotonic() < deadline or rounds <= 5 or actions <= 100 do
  rounds = rounds + 1
  assert(gil.trace(paths[rounds % 2 + 1]))
  time.sleep(0.01)
  assert(gil.dump("/dev/null"))
  collectgarbage()
  gil.stats()
  assert(gil.trace())
  time.sleep(0.002)
end
stop = true
for _, t in ipairs(threads) do t:join() t:result() end
for _, path in ipairs(paths) do
  os.remove(path)
  os.remove((path:gsub("%.%w+$", "")))
end
print(string.format("# %d recordings, %d actions, %d long holds", rounds, actions, reports))
