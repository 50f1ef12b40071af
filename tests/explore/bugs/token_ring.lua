-- SCTBench CS token_ring_bad: each of four makes its value of its neighbour's; one checks. depth 1
local threading = require "gilua.threading"
local lock, x = threading.Lock(), { 1, 2, 1 }
local function pass(i, j)
  return function()
    local _ <close> = lock:hold()
    x[i] = (x[j] + 1) % 4
  end
end
local running = { threading.start(pass(1, 3)), threading.start(pass(2, 1)), threading.start(pass(3, 2)) }
local checker = threading.start(function()
  local _ <close> = lock:hold()
  assert(not (x[1] == 2 and x[2] == 3 and x[3] == 0), "the token went round")
end)
for _, thread in ipairs(running) do thread:join() end
checker:result()
