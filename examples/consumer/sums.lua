-- A module under test.
local threading = require "gilua.threading"

local sums = {}

-- The sum of f(1) to f(n), each in a thread of its own.
function sums.of(f, n)
  local threads, sum = {}, 0
  for i = 1, n do threads[i] = threading.start(f, i) end
  for _, thread in ipairs(threads) do sum = sum + thread:result() end
  return sum
end

return sums
