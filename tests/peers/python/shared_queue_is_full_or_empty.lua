local multiprocessing = require "gilua.multiprocessing"
local q = multiprocessing.Queue(2)
print(q:empty(), q:full())
for _, call in ipairs { function() return q:get_nowait() end, function() return q:get(false) end, function() return q:get(true, 0.01) end } do
  local item, why = call()
  if item == nil and (why == "empty" or why == "timeout") then print "empty" end
end
q:put "a" q:put { key = { 1, 2.5, true } }
print(q:full(), q:qsize())
for _, call in ipairs { function() return q:put_nowait(1) end, function() return q:put(1, false) end, function() return q:put(1, true, 0.01) end } do
  local ok, why = call()
  if not ok and (why == "full" or why == "timeout") then print "full" end
end
print(q:get(), q:get().key[2])
print(q:empty(), q:full())
