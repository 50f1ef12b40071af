local queue = require "gilua.queue"
local q = queue.Queue(2)
q:put(1)
q:put_nowait(2)
print(q:full(), q:qsize())
for _, a in ipairs { { false }, { false }, { true, 0.01 }, { true, 0 } } do
  local ok = q:put(3, table.unpack(a))
  if not ok then print "full" end
end
q:get()
q:get_nowait()
for _, a in ipairs { { false }, { false }, { true, 0.01 }, { true, 0 } } do
  if not q:get(table.unpack(a)) then print "empty" end
end
for _, f in ipairs { function() q:put(1, true, -1) end, function() q:get(true, -1) end } do
  if not pcall(f) then print "negative timeout" end
end
print(queue.Queue(0):full(), queue.Queue(-1):full())
