local queue = require "gilua.queue"
local q = queue.PriorityQueue()
local function take(n, shown)
  local got = {}
  for i = 1, n do got[i] = (shown):format(q:get()) end
  return "[" .. table.concat(got, ", ") .. "]"
end
for _, x in ipairs { 5, 3, 8, 1, 3, 9, 2 } do q:put(x) end
print(take(7, "%d"))
for _, x in ipairs { "pear", "apple", "fig", "" } do q:put(x) end
print(take(4, "'%s'"))
for _, x in ipairs { 2.5, 2, -1e300, 3 } do q:put(x) end
print(q:get() < 0, q:get(), q:get(), q:get())
q:put(1)
if not pcall(q.put, q, "one") then print "not to be compared" end
