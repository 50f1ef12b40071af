-- SCTBench CS account_bad: a balance whose lock is left between looking and storing. depth 2
local threading = require "gilua.threading"
local lock, balance = threading.Lock(), 100

local function change(by)
  local seen
  lock:with(function() seen = balance end)
  lock:with(function() balance = seen + by end)
end

local a, b = threading.start(change, 30), threading.start(change, -20)
a:join()
b:join()
assert(balance == 110, balance)
