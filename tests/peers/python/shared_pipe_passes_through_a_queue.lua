local mp = require "gilua.multiprocessing"
local function child(q, back)
  local conn = q:get()
  back:put "got it"
  conn:send "through the queue"
  print(conn:recv())
  conn:close()
end
local q, back = mp.Queue(), mp.Queue()
local a, b = mp.Pipe()
local p = mp.Process { target = child, args = { q, back } }:start()
q:put(b)
back:get()
b:close()
print(a:recv())
a:send "answered"
p:join()
if select(2, a:recv()) == "closed" then print "closed" end
