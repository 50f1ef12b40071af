-- SCTBench CS twostage_bad: the second value follows the first in another section; who reads both finds them apart. depth 2
local threading = require "gilua.threading"
local a, b, first, second = threading.Lock(), threading.Lock(), 0, 0
local writer = threading.start(function()
  a:with(function() first = 1 end)
  b:with(function() second = first + 1 end)
end)
local reader = threading.start(function()
  local x, y
  a:with(function() x = first end)
  if x == 0 then return end
  b:with(function() y = second end)
  assert(y == x + 1, "the second stage is missing")
end)
writer:join()
reader:result()
