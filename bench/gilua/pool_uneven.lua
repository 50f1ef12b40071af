-- N tasks that compute for 1 to 100 ms, in no order, over WORKERS processes: the time over that of the ideal schedule.
-- usage: pool_uneven.lua [N] [WORKERS]
-- A task counts its own processor time, so that it is as long as it says on a busy machine too.
local C = require "common"
local futures = require "gilua.futures"
local n, workers = C.args(60, 2)
local function compute(ms)
  local till = os.clock() + ms / 1e3
  while os.clock() < till do end
end

local lengths, sum, longest, seed = {}, 0, 0, 12345
for i = 1, n do
  seed = (seed * 1103515245 + 12345) % 2147483648
  lengths[i] = 1 + (seed >> 16) % 100
  sum, longest = sum + lengths[i], math.max(longest, lengths[i])
end
local pool <close> = futures.ProcessPoolExecutor { max_workers = workers }
for _ = 1, workers * 4 do pool:submit(compute, 1):result() end
local t0 = C.now()
local fs = {}
for i = 1, n do fs[i] = pool:submit(compute, lengths[i]) end
for i = 1, n do fs[i]:result() end
local seconds = C.now() - t0
C.per_op("pool_uneven", n, seconds, { "ratio", seconds * 1e3 / math.max(sum / workers, longest) })
