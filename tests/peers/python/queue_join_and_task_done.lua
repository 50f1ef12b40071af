local queue, threading = require "gilua.queue", require "gilua.threading"
local q = queue.Queue()
if not pcall(q.task_done, q) then print "called too often" end
local total = 0
local t = threading.Thread { daemon = true, target = function()
  while true do
    total = total + q:get()
    q:task_done()
  end
end }
t:start()
for i = 0, 9 do q:put(i) end
q:join()
print(total, q:qsize())
q:join()
print "an empty queue is joined at once"
