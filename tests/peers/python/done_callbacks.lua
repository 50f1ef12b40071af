local futures, threading = require "gilua.futures", require "gilua.threading"
local log, done = {}, threading.Semaphore(0)
do
  local pool <close> = futures.ThreadPoolExecutor { max_workers = 1 }
  local f = pool:submit(function() return 7 end)
  f:add_done_callback(function(f) log[#log + 1] = f:result() done:release() end)
  done:acquire()
  f:add_done_callback(function() log[#log + 1] = "'late'" done:release() end)
  done:acquire()
end
print("[" .. table.concat(log, ", ") .. "]")
