local futures = require "gilua.futures"
local function add(a, b, c) return a + 10 * b + 100 * c end
local function all(it)
  local list = {}
  for x in it do list[#list + 1] = x end
  print(table.concat(list, " "))
end
local function numbers(list)
  local i = 0
  return function() i = i + 1 return list[i] end
end
for _, kind in ipairs { "ThreadPoolExecutor", "ProcessPoolExecutor" } do
  local pool <close> = futures[kind](2)
  all(pool:map(add, { 1, 2, 3, 4 }, numbers { 5, 6, 7 }, { 8, 9, 1, 2 }))
  all(pool:map(add, { 1, 2 }, {}, { 3 }))
  local five = { 1, 2, 3, 4, 5 }
  all(pool:map(add, five, five, five, { chunksize = 2, timeout = 60 }))
  local it = pool:map(add, { 1 }, { 2 }, { 3 })
  print(it(), it() or "end", it() or "end")
end
