local multiprocessing = require "gilua.multiprocessing"
local pool <close> = multiprocessing.Pool(2)
local function f(x)
  if x % 2 == 1 then error(("odd %d"):format(x), 0) end
  return x
end
print(select(2, pcall(pool.map, pool, f, { 0, 1, 2, 3 }, 4)))
print("[" .. table.concat(pool:map(f, { 2, 4 }), ", ") .. "]")
print(select(2, pcall(pool.apply, pool, f, { 7 })))
