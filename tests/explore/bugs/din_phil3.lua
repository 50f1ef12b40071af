-- SCTBench CS din_phil3_sat: philosophers who all take the left fork first; here it is their deadlock. depth 3
local threading = require "gilua.threading"
local n, forks, running = 3, {}, {}
for i = 1, n do forks[i] = threading.Lock() end
for i = 1, n do
  running[i] = threading.start(function()
    local _ <close> = forks[i]:hold()
    local _ <close> = forks[i % n + 1]:hold()
  end)
end
for _, thread in ipairs(running) do thread:join() end
