local multiprocessing, time = require "gilua.multiprocessing", require "gilua.time"
local pool = multiprocessing.Pool(1)
do
  local _ <close> = pool
  pool:apply_async(time.sleep, { 1000 })
end
if not pcall(pool.apply, pool, tonumber, { "1" }) then print "not running" end
if not pcall(pool.map, pool, tonumber, { "1" }) then print "not running" end
if not pcall(pool.apply_async, pool, tonumber, { "1" }) then print "not running" end
if not pcall(pool.imap, pool, tonumber, { "1" }) then print "not running" end
pool:join()
pool:terminate()
pool:close()
print "ended"
