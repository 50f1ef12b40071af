-- How late a thread wakes that sleeps for a millisecond, N times, beside B threads that compute, and what these get done.
-- usage: lateness.lua [N] [B] [POLICY]
local C = require "common"
local threading = require "gilua.threading"
local time = require "gilua.time"
local gil = require "gilua.gil"
local n, spinners, policy = C.args(1000, 1, "fair")
gil.policy(policy)

local stop, spun = false, {}

local function spin(slot)
  local k = 0
  while not stop do
    for _ = 1, 1000 do end
    k = k + 1000
  end
  spun[slot] = k
end

-- spins per second of the spinners while f runs
local function beside(f)
  stop, spun = false, {}
  local threads = {}
  for i = 1, spinners do threads[i] = threading.start(spin, i) end
  local t0 = C.now()
  f()
  local seconds = C.now() - t0
  stop = true
  local sum = 0
  for i, t in ipairs(threads) do
    t:join()
    sum = sum + spun[i]
  end
  return sum / seconds
end

local late = {}
local alone = beside(function() time.sleep(0.3) end)
local together = beside(function()
  for i = 1, n do
    local t0 = C.now()
    time.sleep(0.001)
    late[i] = (C.now() - t0 - 0.001) * 1e6
  end
end)
table.sort(late)
C.emit("lateness." .. policy, { "n", n, "p50_us", C.percentile(late, 0.5), "p99_us", C.percentile(late, 0.99),
  "max_us", late[#late], "spinner_share", together / alone })
