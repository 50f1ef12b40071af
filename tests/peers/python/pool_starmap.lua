local multiprocessing = require "gilua.multiprocessing"
local function power(x, y) return math.tointeger(x ^ y) end
local pool <close> = multiprocessing.Pool(2)
local function list(l) return "[" .. table.concat(l, ", ") .. "]" end
print(list(pool:starmap(power, { { 2, 3 }, { 3, 2 }, { 5, 0 } })))
print(list(pool:starmap(power, {})))
print(list(pool:starmap_async(power, { { 2, 10 } }):get()))
if not pcall(pool.starmap, pool, power, { 3 }) then print "no list of arguments" end
