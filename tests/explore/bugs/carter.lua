-- SCTBench CS carter01_bad: two groups share a lock by counters; who takes it holds the counters' lock meanwhile. depth 2
local threading = require "gilua.threading"
local m, l, count = threading.Lock(), threading.Lock(), { a = 0, b = 0 }

local function enter(group)
  m:acquire()
  count[group] = count[group] + 1
  if count[group] == 1 then l:acquire() end
  m:release()
  m:acquire()
  count[group] = count[group] - 1
  if count[group] == 0 then l:release() end
  m:release()
end

local a, b = threading.start(enter, "a"), threading.start(enter, "b")
a:join()
b:join()
