local queue = require "gilua.queue"
for _, make in ipairs { "Queue", "LifoQueue", "PriorityQueue" } do
  local q = queue[make](2)
  print(q:empty(), q:full(), q:qsize())
  q:put(1)
  print(q:empty(), q:full(), q:qsize())
  q:put(2)
  print(q:empty(), q:full(), q:qsize())
  if not q:put_nowait(3) then print("full", q:qsize()) end
  if not q:put(3, false) then print("full", q:qsize()) end
  if not q:put(3, true, 0.01) then print("full", q:qsize()) end
end
local q = queue.Queue(-1)
for i = 1, 100 do q:put_nowait(i) end
print(q:full(), q:qsize())
local s = queue.SimpleQueue()
s:put "x"
print(s:empty(), s:qsize(), s:get(), s:empty())
