-- Create a pool of WORKERS processes, run one task, shut it down, N times.
-- usage: pool_startup.lua [N] [WORKERS]
local C = require "common"
local futures = require "gilua.futures"
local n, workers = C.args(10, 2)
local t0 = C.now()
for i = 1, n do
  local pool <close> = futures.ProcessPoolExecutor { max_workers = workers }
  assert(pool:submit(function(x) return x + 1 end, i):result() == i + 1)
end
local seconds = C.now() - t0
C.per_op("pool_startup", n, seconds, { "ms_each", seconds * 1e3 / n })
