local futures, threading, gilua = require "gilua.futures", require "gilua.threading", require "gilua"
local gate, begun = threading.Event(), threading.Event()
local pool <close> = futures.ThreadPoolExecutor { max_workers = 1 }
local a = pool:submit(function()
  begun:set()
  gate:wait()
  return "first"
end)
local b = pool:submit(print, "never")
begun:wait()
print(b:cancel(), b:cancelled(), b:done(), b:cancel())
print(a:running())
gate:set()
print(a:result(), a:cancel())
local _, e = pcall(b.result, b)
if gilua.is_error(e, "cancelled") then print "cancelled" end
