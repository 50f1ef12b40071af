local queue = require "gilua.queue"
for _, make in ipairs { queue.Queue, queue.LifoQueue, queue.PriorityQueue, queue.SimpleQueue } do
  local q = make()
  for _, i in ipairs { 3, 1, 2 } do q:put(i) end
  local n, empty, got = q:qsize(), q:empty(), {}
  for i = 1, 3 do got[i] = q:get() end
  print(n, empty, "[" .. table.concat(got, ", ") .. "]", q:empty())
end
