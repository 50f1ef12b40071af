local futures = require "gilua.futures"
local pool = futures.ThreadPoolExecutor { max_workers = 2 }
do
  local _ <close> = pool
  local f = pool:submit(function(a, b) return math.tointeger(a ^ b) end, 2, 5)
  print(f:result(), f:done(), f:running(), f:cancelled(), f:cancel(), f:exception())
  f = pool:submit(error, "wrong", 0)
  print(f:exception(), f:done(), f:cancelled())
  print(select(2, pcall(f.result, f)))
end
if not pcall(pool.submit, pool, print) then print "after shutdown" end
