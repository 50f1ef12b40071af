local queue, threading = require "gilua.queue", require "gilua.threading"
local q = queue.Queue()
if not pcall(q.task_done, q) then print "too often" end
q:join()
q:put(1)
q:get()
local waiter = threading.start(function()
  q:join()
  print "joined"
end)
waiter:join(0.01)
print(waiter:is_alive())
q:task_done()
waiter:join()
