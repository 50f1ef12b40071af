local futures, threading = require "gilua.futures", require "gilua.threading"
local gate, begun = threading.Event(), threading.Event()
local pool = futures.ThreadPoolExecutor { max_workers = 1 }
local a = pool:submit(function()
  begun:set()
  return gate:wait()
end)
local b = pool:submit(print)
begun:wait()
pool:shutdown { wait = false, cancel_futures = true }
print(b:cancelled(), a:done())
gate:set()
pool:shutdown()
print(a:result())
pool:shutdown()
