-- A dump of n threads that wait.
-- usage: dump.lua [threads = 1000]
local common = require "common"
local threading = require "gilua.threading"
local gil = require "gilua.gil"
local n = common.args(1000)
local gate, waiting = threading.Event(), 0
for _ = 1, n do
  threading.start(function()
    waiting = waiting + 1
    gate:wait()
  end)
end
while waiting < n do require "gilua.time".sleep(0.001) end
local best = math.huge
for _ = 1, 5 do
  local t0 = common.now()
  assert(gil.dump("/dev/null"))
  best = math.min(best, common.now() - t0)
end
gate:set()
common.emit("dump", { "n", n, "ms", best * 1e3 })
