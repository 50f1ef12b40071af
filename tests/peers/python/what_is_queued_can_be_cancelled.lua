local futures, threading = require "gilua.futures", require "gilua.threading"
local gate, begun = threading.Event(), threading.Event()
local pool = futures.ThreadPoolExecutor(1)
local running = pool:submit(function()
  begun:set()
  gate:wait()
end)
local queued = {}
for i = 1, 3 do queued[i] = pool:submit(print, "never") end
begun:wait()
local function each(method)
  local got = {}
  for i = 1, 3 do got[i] = tostring(queued[i][method](queued[i])) end
  return "[" .. table.concat(got, ", ") .. "]"
end
print(each "cancel", running:cancel(), running:cancelled())
gate:set()
pool:shutdown()
print(each "cancelled", running:done())
