-- SCTBench CS sync01_bad: a wait that does not look whether it was told before. depth 1
local threading = require "gilua.threading"
local cond, n = threading.Condition(), 0
local a = threading.start(function()
  local _ <close> = cond:hold()
  n = n + 1
  cond:notify()
end)
local b = threading.start(function()
  local _ <close> = cond:hold()
  cond:wait()
  n = n - 1
end)
a:join()
b:join()
