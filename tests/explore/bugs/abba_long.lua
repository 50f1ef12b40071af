-- PCT paper, figure 1 (c), as in shuttle's figure_1c: locks in opposite orders, with work around. depth 2
local threading = require "gilua.threading"
local a, b = threading.Lock(), threading.Lock()
local function work() for _ = 1, 4 do end end
local function both(first, second)
  work()
  local _ <close> = first:hold()
  work()
  local _ <close> = second:hold()
  work()
end
local x, y = threading.start(both, a, b), threading.start(both, b, a)
x:join()
y:join()
