local multiprocessing = require "gilua.multiprocessing"
local pool = multiprocessing.Pool { processes = 1 }
local r = pool:apply_async(math.tointeger, { 7 })
if not pcall(pool.join, pool) then print "still running" end
pool:close()
if not pcall(pool.apply, pool, print) then print "closed" end
pool:join()
print(r:get())
pool = multiprocessing.Pool { processes = 1 }
pool:terminate()
pool:join()
print "terminated"
