local futures, threading, gilua = require "gilua.futures", require "gilua.threading", require "gilua"
local gate = threading.Event()
local pool <close> = futures.ThreadPoolExecutor { max_workers = 1 }
local f = pool:submit(gate.wait, gate)
for _, ask in ipairs { f.result, f.exception } do
  for _, t in ipairs { 0.01, 0 } do
    local fine, e = pcall(ask, f, t)
    if not fine and gilua.is_error(e, "timeout") then print "timeout" end
  end
end
gate:set()
print(f:result(5))
