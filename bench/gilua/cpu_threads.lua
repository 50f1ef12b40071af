-- A countdown of N in one thread, then the same total split over T threads. ratio is split over one, median of three.
-- usage: cpu_threads.lua [N] [T]
local C = require "common"
local threading = require "gilua.threading"
local n, nthreads = C.args(50000000, 2)

local function countdown(k)
  while k > 0 do k = k - 1 end
end

local function run(count, each)
  local t0, threads = C.now(), {}
  for i = 1, count do threads[i] = threading.start(countdown, each) end
  for _, t in ipairs(threads) do t:join() end
  return C.now() - t0
end

run(1, n // 10)
local ratios = {}
for i = 1, 3 do
  local one = run(1, n)
  ratios[i] = run(nthreads, n // nthreads) / one
end
table.sort(ratios)
C.emit("cpu_threads.t" .. nthreads, { "n", n, "ratio", ratios[2] })
