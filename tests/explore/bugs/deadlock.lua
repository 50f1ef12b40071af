-- SCTBench CS deadlock01_bad: two locks in opposite orders. depth 2
local threading = require "gilua.threading"
local a, b, n = threading.Lock(), threading.Lock(), 0

local function both(first, second)
  local _ <close> = first:hold()
  local _ <close> = second:hold()
  n = n + 1
end

local x, y = threading.start(both, a, b), threading.start(both, b, a)
x:join()
y:join()
