-- Nobody passes before all have come, each gets a number of its own, and the barrier serves again.
local threading = require "gilua.threading"
local barrier, came = threading.Barrier(3), { {}, {} }

local function work(k)
  local numbers = 0
  for round = 1, 2 do
    came[round][k] = true
    numbers = numbers + barrier:wait()
    assert(#came[round] == 3, "one passes before all have come")
  end
  return numbers
end

local threads, sum = {}, 0
for i = 1, 3 do threads[i] = threading.start(work, i) end
for i = 1, 3 do sum = sum + threads[i]:result() end
assert(sum == 12 or sum == 6, "the numbers of two rounds add up to " .. sum)
