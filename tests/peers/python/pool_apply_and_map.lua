local multiprocessing = require "gilua.multiprocessing"
local pool <close> = multiprocessing.Pool { processes = 2 }
local function f(x) return x * 10 end
local function add(a, b) return a + b end
local function show(list) return "[" .. table.concat(list, ", ") .. "]" end
local function collect(iterate, ...)
  local got = {}
  for x in iterate, ... do got[#got + 1] = x end
  table.sort(got)
  return show(got)
end
print(pool:apply(add, { 1, 2 }), show(pool:map(f, { 1, 2, 3 })), show(pool:map(f, {})))
print(show(pool:starmap(add, { { 1, 2 }, { 3, 4 } })), show(pool:map(f, { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 }, 3)))
print(select(2, pcall(pool.map, pool, function(x)
  if x == 3 then error("three", 0) end
  return x
end, { 0, 1, 2, 3, 4 })))
print(collect(pool:imap(f, { 0, 1, 2 })), collect(pool:imap_unordered(f, { 0, 1, 2, 3 })))
