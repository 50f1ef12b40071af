-- Two threads add at the same time: the sums are computed without the lock.
local threading = require "gilua.threading"
local slow_sum = require "slow_sum"

local numbers = {}
for i = 1, 100000 do numbers[i] = 1 / i end

local a = threading.start(slow_sum.sum, numbers)
local b = threading.start(slow_sum.sum, numbers)
assert(a:result() == b:result())
print("sums agree: " .. a:result())
