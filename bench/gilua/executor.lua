-- Trivial tasks through ThreadPoolExecutor. usage: executor.lua [N] [WORKERS] flight|single|map
local C = require "common"
local futures = require "gilua.futures"
local n, workers, mode = C.args(100000, 4, "flight")
local pool = futures.ThreadPoolExecutor { max_workers = workers }
local function identity(x) return x end

local modes = {}

-- all submitted, then all asked for
function modes.flight()
  local fs = {}
  for i = 1, n do fs[i] = pool:submit(identity, i) end
  for i = 1, n do fs[i]:result() end
end

-- each asked for before the next is submitted
function modes.single()
  for i = 1, n do pool:submit(identity, i):result() end
end

function modes.map()
  local list, sum = {}, 0
  for i = 1, n do list[i] = i end
  for x in pool:map(identity, list) do sum = sum + x end
end

pool:submit(identity, 0):result()
local t0 = C.now()
modes[mode]()
C.per_op("executor." .. mode, n, C.now() - t0)
pool:shutdown()
