local queue = require "gilua.queue"
for _, make in ipairs { "Queue", "LifoQueue", "PriorityQueue", "SimpleQueue" } do
  local q = queue[make]()
  if q:get_nowait() == nil then print "empty" end
  if q:get(false) == nil then print "empty" end
  if q:get(true, 0.01) == nil then print "empty" end
  if q:get(true, 0) == nil then print "empty" end
  if not pcall(q.get, q, true, -1) then print "negative" end
end
