local multiprocessing = require "gilua.multiprocessing"
local pool <close> = multiprocessing.Pool(2)
local function f(x)
  if x == 2 then error("two", 0) end
  return x * 10
end
local it = pool:imap(f, { 1, 2, 3 })
print(it())
print(select(2, pcall(it)))
print(it())
if it() == nil then print "end" end
local function list(sorted, iterate, ...)
  local got = {}
  for x in iterate, ... do got[#got + 1] = x end
  if sorted then table.sort(got) end
  return "[" .. table.concat(got, ", ") .. "]"
end
print(list(true, pool:imap_unordered(f, { 3, 1, 5 })))
print(list(false, pool:imap(f, { 3, 4, 5, 6, 7, 8, 9 }, 3)))
