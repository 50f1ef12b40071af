local futures = require "gilua.futures"
local pool <close> = futures.ThreadPoolExecutor { max_workers = 3 }
local function list(iterate, ...)
  local got = {}
  for x in iterate, ... do got[#got + 1] = x end
  return "[" .. table.concat(got, ", ") .. "]"
end
print(list(pool:map(function(x) return x * x end, { 0, 1, 2, 3, 4 })))
print(list(pool:map(function(x, y) return x + y end, { 1, 2, 3 }, { 10, 20 })))
print(list(pool:map(string.len, {})))
local results = pool:map(function(x)
  if x == 2 then error("two", 0) end
  return x
end, { 1, 2, 3 })
print(results())
print(select(2, pcall(results)))
