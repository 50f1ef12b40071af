local futures, threading, gilua = require "gilua.futures", require "gilua.threading", require "gilua"
local gate = threading.Event()
local pool <close> = futures.ThreadPoolExecutor(1)
local results = pool:map(function(x)
  if x == 0 then return "first" end
  return gate:wait()
end, { 0, 1 }, { timeout = 1 })
print(results())
local _, e = pcall(results)
if gilua.is_error(e, "timeout") then print "timeout" end
gate:set()
