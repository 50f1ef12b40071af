local futures, threading, gilua = require "gilua.futures", require "gilua.threading", require "gilua"
local l = threading.Local()
do
  local pool <close> = futures.ThreadPoolExecutor { max_workers = 2, initializer = function(a, b) l.x = a + b end, initargs = { 1, 2 } }
  local got = {}
  for i = 1, 3 do got[i] = pool:submit(function() return l.x end):result() end
  print("[" .. table.concat(got, ", ") .. "]")
end
local pool <close> = futures.ThreadPoolExecutor { max_workers = 1, initializer = function() error "x" end }
local f = pool:submit(print)
print(gilua.is_error(f:exception(), "broken_pool"))
local fine, e = pcall(function() return pool:submit(print):result() end)
if not fine and gilua.is_error(e, "broken_pool") then print "broken" end
