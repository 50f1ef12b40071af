local multiprocessing = require "gilua.multiprocessing"
local native = require "gilua.native"
local function fill(a, first, last)
  for i = first, last do a[i] = (i - 1) ^ 2 end
end
local function list(a) return "[" .. table.concat(a:totable(), ", ") .. "]" end
local a = multiprocessing.shared_array("f64", 8)
print(list(a), #a)
local ps = {}
for n = 0, 1 do
  ps[n] = multiprocessing.Process { target = fill, args = { a, 4 * n + 1, 4 * n + 4 } }
  ps[n]:start()
end
for n = 0, 1 do ps[n]:join() end
print(list(a), native.sum(a))
if not pcall(function() a[9] = 1 end) then print "outside" end
local b = multiprocessing.shared_array("i32", 2)
if not pcall(function() b[1] = "text" end) then print "no number" end
