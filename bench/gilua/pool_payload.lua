-- A large value sent to a pool worker and returned, N times, one at a time.
-- usage: pool_payload.lua [N] [string|records|records_keyed] [SIZE]
-- SIZE: bytes of the string (16 MiB) or number of records (100000). mb_per_s counts the plain data once per round trip.
local C = require "common"
local futures = require "gilua.futures"
local n, kind, size = C.args(5, "string", 0)
if size == 0 then size = kind == "string" and 16 << 20 or 100000 end
local payload = kind == "string" and string.rep("x", size) or C.records(size, kind)
local bytes = kind == "string" and size or size * 32

local pool <close> = futures.ProcessPoolExecutor { max_workers = 2 }
local function identity(x) return x end
for _ = 1, 8 do pool:submit(identity, 1):result() end
local back = pool:submit(identity, payload):result()
local t0 = C.now()
for _ = 1, n do back = pool:submit(identity, payload):result() end
local seconds = C.now() - t0
assert(kind == "string" and back == payload or kind ~= "string" and #back == size)
C.per_op("pool_payload." .. kind, n, seconds,
  { "mb_per_s", bytes * n / seconds / 1e6, "ms_per_round_trip", seconds * 1e3 / n })
