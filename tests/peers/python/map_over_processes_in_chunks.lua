local futures = require "gilua.futures"
local pool <close> = futures.ProcessPoolExecutor(2)
local function square(x) return x * x end
local numbers, sum = {}, 0
for i = 1, 100 do numbers[i] = i end
for x in pool:map(square, numbers, { chunksize = 7 }) do sum = sum + x end
print(sum)
local function list(iterate, ...)
  local got = {}
  for x in iterate, ... do got[#got + 1] = x end
  return "[" .. table.concat(got, ", ") .. "]"
end
print(list(pool:map(function(x, y) return x + y end, { 1, 2, 3 }, { 10, 20, 30 }, { chunksize = 2 })))
print(list(pool:map(function(l) return math.max(table.unpack(l)) end, { { 1, 5 }, { 3, 2 } })))
if not pcall(pool.map, pool, square, { 1 }, { chunksize = 0 }) then print "one or more" end
