local threading, time = require "gilua.threading", require "gilua.time"
local c = threading.Condition()
c:with(function() print(c:wait(0.01)) end)
for _, f in ipairs { c.notify, c.notify_all, c.wait } do
  if not pcall(f, c) then print "not held" end
end
local log, ready = {}, threading.Semaphore(0)
local function show()
  table.sort(log)
  print(table.concat(log, " "))
end
local function waiter(i)
  local _ <close> = c:hold()
  ready:release()
  local said = i .. tostring(c:wait())
  log[#log + 1] = said
end
local ts = {}
for i = 0, 2 do
  ts[#ts + 1] = threading.start(waiter, i)
  ready:acquire()
end
c:with(c.notify, c)
while #log == 0 do time.sleep(0.001) end
c:with(function()
  show()
  c:notify(5)
end)
for _, t in ipairs(ts) do t:join() end
show()
