-- Encode and decode a list of N records or integers.
-- usage: pickle_bench.lua [N] [records|records_keyed|ints] [dumps|loads]
local C = require "common"
local pickle = require "gilua.pickle"
local n, kind, op = C.args(100000, "records", "dumps")

local data = C.records(n, kind)
local encoded = pickle.dumps(data)
local times = {}
for i = 1, 5 do
  collectgarbage()
  local t0 = C.now()
  local out = op == "dumps" and pickle.dumps(data) or pickle.loads(encoded)
  times[i] = C.now() - t0
end
table.sort(times)
C.per_op("pickle." .. kind .. "." .. op, n, times[3], { "best_seconds", times[1], "encoded_bytes", #encoded })
