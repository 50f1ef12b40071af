-- A trivial function through a pool of worker processes, N calls.
-- usage: pool_submit.lua [N] [submit_inflight|submit_roundtrip|map|pool_map] [WORKERS]
local C = require "common"
local futures = require "gilua.futures"
local n, mode, workers = C.args(20000, "submit_inflight", 2)
local function plus_one(x) return x + 1 end

local items = {}
if mode:match "map" then for i = 1, n do items[i] = i - 1 end end
local pool <close> = futures.ProcessPoolExecutor { max_workers = workers }
for i = 1, workers * 4 do pool:submit(plus_one, i):result() end
local total, times, t0 = 0, {}, C.now()
if mode == "submit_inflight" then
  local fs = {}
  for i = 1, n do fs[i] = pool:submit(plus_one, i - 1) end
  for i = 1, n do total = total + fs[i]:result() end
elseif mode == "map" then
  for y in pool:map(plus_one, items) do total = total + y end
elseif mode == "pool_map" then
  local mp <close> = require "gilua.multiprocessing".Pool { processes = workers }
  mp:map(plus_one, { 1, 2, 3, 4, 5, 6, 7, 8 })
  t0 = C.now()
  for _, y in ipairs(mp:map(plus_one, items)) do total = total + y end
else
  for i = 1, n do
    local began = C.now()
    total = total + pool:submit(plus_one, i - 1):result()
    times[i] = C.now() - began
  end
end
local seconds = C.now() - t0
assert(total == n * (n + 1) // 2)
table.sort(times)
C.per_op("pool_submit." .. mode, n, seconds, #times > 0 and { "p50_us", C.percentile(times, 0.5) * 1e6 } or nil)
