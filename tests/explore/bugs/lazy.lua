-- SCTBench CS lazy01_bad: a third thread looks when both others may have added. depth 1
local threading = require "gilua.threading"
local lock, n = threading.Lock(), 0
local function add(by)
  return function()
    local _ <close> = lock:hold()
    n = n + by
  end
end
local a, b = threading.start(add(1)), threading.start(add(2))
local c = threading.start(function()
  local _ <close> = lock:hold()
  assert(n < 3, "both were faster")
end)
a:join()
b:join()
c:result()
