local futures, threading, gilua = require "gilua.futures", require "gilua.threading", require "gilua"
local gates, fs = {}, {}
local pool <close> = futures.ThreadPoolExecutor { max_workers = 3 }
for i = 0, 2 do
  gates[i] = threading.Event()
  fs[i + 1] = pool:submit(function()
    gates[i]:wait()
    return i
  end)
end
gates[2]:set()
local it = futures.as_completed(fs)
print(it():result())
gates[0]:set()
print(it():result())
gates[1]:set()
print(it():result(), it() == nil and "[]")
local gate = threading.Event()
local f = pool:submit(gate.wait, gate)
local _, e = pcall(function() for _ in futures.as_completed({ f }, 0.01) do end end)
if gilua.is_error(e, "timeout") then print "timeout" end
gate:set()
local function count(...)
  local n = 0
  for _ in ... do n = n + 1 end
  return n
end
print(count(futures.as_completed { f, f }), count(futures.as_completed {}))
