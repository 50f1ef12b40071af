local queue = require "gilua.queue"
local Job = {}
Job.__lt = function(a, b) return a.p < b.p end
local q = queue.PriorityQueue()
for _, j in ipairs { { 5, "five" }, { 1, "one" }, { 3, "three" }, { 1.5, "one and a half" } } do
  q:put(setmetatable({ p = j[1], n = j[2] }, Job))
end
local got = {}
for i = 1, 4 do got[i] = "'" .. q:get().n .. "'" end
print("[" .. table.concat(got, ", ") .. "]")
q:put(1)
print(pcall(q.put, q, "x") and "no error" or "cannot be compared", q:qsize() >= 1)
