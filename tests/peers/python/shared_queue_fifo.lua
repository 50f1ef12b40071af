local mp = require "gilua.multiprocessing"
local function producer(q)
  for i = 0, 99 do q:put(i) end
  q:put("end")
end
local q = mp.Queue()
local p = mp.Process { target = producer, args = { q } }:start()
local got, ordered, sum = {}, true, 0
while true do
  local item = q:get()
  if item == "end" then break end
  ordered = ordered and item == #got
  got[#got + 1] = item
  sum = sum + item
end
p:join()
print(#got, ordered, sum)
if select(2, q:get(true, 0.01)) == "timeout" then print("empty") end
local bounded = mp.Queue(1)
bounded:put("a")
if select(2, bounded:put("b", false)) == "full" then print("full", bounded:full()) end
print(bounded:get())
