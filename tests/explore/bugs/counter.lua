-- Shuttle's and loom's first example: a counter without a lock. depth 2
local threading = require "gilua.threading"
local n = 0
local function add() for _ = 1, 3 do n = n + 1 end end
local a, b = threading.start(add), threading.start(add)
a:join()
b:join()
assert(n == 6, n)
