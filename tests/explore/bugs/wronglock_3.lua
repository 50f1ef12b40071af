-- SCTBench CS wronglock_3_bad: one thread takes another lock than the three others. depth 2
local threading = require "gilua.threading"
local right, wrong, n = threading.Lock(), threading.Lock(), 0
local function add(lock)
  local _ <close> = lock:hold()
  local seen = n
  n = seen + 1
end
local running = { threading.start(add, wrong) }
for i = 2, 4 do running[i] = threading.start(add, right) end
for _, thread in ipairs(running) do thread:join() end
assert(n == 4, n)
