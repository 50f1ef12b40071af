local multiprocessing = require "gilua.multiprocessing"
local pool <close> = multiprocessing.Pool { processes = 2, initializer = function(a, b) Start = a + b end, initargs = { 10, 5 } }
print("[" .. table.concat(pool:map(function(x) return Start + x end, { 1, 2, 3 }), ", ") .. "]")
print(Start)
