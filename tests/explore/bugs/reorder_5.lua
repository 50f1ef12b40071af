-- SCTBench CS reorder_5_bad: 4 threads set two variables, one looks at both, before any has set the second. depth 5
local threading = require "gilua.threading"
local a, b = 0, 0
local function set()
  a = 1
  b = -1
end
local running = {}
for i = 1, 4 do running[i] = threading.start(set) end
local checker = threading.start(function()
  assert((a == 0 and b == 0) or (a == 1 and b == -1), "half is set")
end)
for _, thread in ipairs(running) do thread:join() end
checker:result()
