-- A dump of n threads that wait.
-- usage: dump.lua [threads = 1000]
local common = require "common"
local threading = require "gilua.threading"
local gil = require "gilua.gil"
local n = common.args(1000)
local gate, threads = threading.Event(), {}
for i = 1, n do threads[i] = threading.start(gate.wait, gate) end
for _, thread in ipairs(threads) do
  while thread.waits_for ~= "event" do require "gilua.time".sleep(0.001) end
end
local best = math.huge
for _ = 1, 5 do
  local t0 = common.now()
  assert(gil.dump("/dev/null"))
  best = math.min(best, common.now() - t0)
end
gate:set()
common.emit("dump", { "n", n, "ms", best * 1e3 })
