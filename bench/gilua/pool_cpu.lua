-- TASKS calls of fib(N) over WORKERS processes against the same calls in a plain loop.
-- usage: pool_cpu.lua [N] [TASKS] [WORKERS]
local C = require "common"
local futures = require "gilua.futures"
local n, tasks, workers = C.args(27, 8, 2)
local function fib(k) return k < 2 and k or fib(k - 1) + fib(k - 2) end

local t0 = C.now()
local expected = 0
for _ = 1, tasks do expected = expected + fib(n) end
local serial = C.now() - t0

local pool <close> = futures.ProcessPoolExecutor { max_workers = workers }
for _ = 1, workers * 4 do pool:submit(fib, 1):result() end
t0 = C.now()
local fs, total = {}, 0
for i = 1, tasks do fs[i] = pool:submit(fib, n) end
for i = 1, tasks do total = total + fs[i]:result() end
local seconds = C.now() - t0
assert(total == expected)
C.per_op("pool_cpu.fib" .. n, tasks, seconds, { "speedup", serial / seconds })
