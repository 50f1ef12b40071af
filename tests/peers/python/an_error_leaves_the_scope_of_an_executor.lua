local futures, threading = require "gilua.futures", require "gilua.threading"
local started, go = threading.Event(), threading.Event()
local function work()
  started:set()
  go:wait()
  return "worked"
end
local f, g
local ok = pcall(function()
  local pool <close> = futures.ThreadPoolExecutor(1)
  f = pool:submit(work)
  g = pool:submit(function() return "queued" end)
  started:wait()
  threading.Timer(0.05, go.set, { go }):start()
  error "left"
end)
if not ok then print("left", f:done(), g:done()) end
print(f:result(), g:result())
