-- SCTBench CS queue_bad: items and their number change in two sections under a lock. depth 2
local threading = require "gilua.threading"
local lock, items, stored = threading.Lock(), {}, 0

local function put(x)
  lock:with(function() items[stored + 1] = x end)
  lock:with(function() stored = stored + 1 end)
end

local a, b = threading.start(put, "a"), threading.start(put, "b")
a:join()
b:join()
assert(items[1] and items[2], "an item was put over another")
