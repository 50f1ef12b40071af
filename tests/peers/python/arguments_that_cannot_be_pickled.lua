local futures, threading, gilua = require "gilua.futures", require "gilua.threading", require "gilua"
local function f(x) return x end
local pool <close> = futures.ProcessPoolExecutor(1)
for _, x in ipairs { threading.Lock(), threading.current_thread() } do
  local _, e = pcall(function() return pool:submit(f, x):result() end)
  if gilua.is_error(e, "pickle") then print "cannot be pickled" end
end
print(pool:submit(f, "the pool goes on"):result())
