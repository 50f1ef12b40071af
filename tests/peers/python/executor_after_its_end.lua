local futures, threading = require "gilua.futures", require "gilua.threading"
for _, make in ipairs { "ThreadPoolExecutor", "ProcessPoolExecutor" } do
  local pool = futures[make](1)
  local f = pool:submit(tonumber, "7")
  pool:shutdown()
  pool:shutdown()
  print(f:done(), f:result())
  if not pcall(pool.submit, pool, tonumber, "1") then print "shut down" end
  if not pcall(pool.map, pool, tonumber, { "1" }) then print "shut down" end
end
local gate = threading.Event()
local pool = futures.ThreadPoolExecutor(1)
local f, g = pool:submit(gate.wait, gate), pool:submit(tonumber, "8")
pool:shutdown { wait = false }
print(g:done())
gate:set()
print(f:result(), g:result())
