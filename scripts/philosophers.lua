-- Three philosophers take the fork on their left, then the one on their right: `gilua explore` finds how they starve. If each
-- takes the fork with the lower number first, none does.
-- usage: gilua explore philosophers.lua [mended]
local threading = require "gilua.threading"

local n, mended = 3, arg[1] == "mended"
local forks = {}
for i = 1, n do forks[i] = threading.Lock() end

local function dine(i)
  local first, second = i, i % n + 1
  if mended and first > second then first, second = second, first end
  local _ <close> = forks[first]:hold()
  local _ <close> = forks[second]:hold()
end

local philosophers = {}
for i = 1, n do philosophers[i] = threading.start(dine, i) end
for i = 1, n do philosophers[i]:join() end
