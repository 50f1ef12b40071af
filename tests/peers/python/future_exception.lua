local futures, gilua = require "gilua.futures", require "gilua"
local mine = {}
local pool <close> = futures.ThreadPoolExecutor(1)
local f, g = pool:submit(error, mine), pool:submit(tonumber, "0")
print(f:exception() == mine, g:exception())
local _, e = pcall(f.result, f)
print(e == mine)
local p = futures.Future()
for _, call in ipairs { p.result, p.exception } do
  _, e = pcall(call, p, 0.01)
  if gilua.is_error(e, "timeout") then print "timeout" end
end
p:cancel()
for _, call in ipairs { p.result, p.exception } do
  _, e = pcall(call, p)
  if gilua.is_error(e, "cancelled") then print "cancelled" end
end
