-- What threads speed up and what they do not: work that computes takes turns under the lock, waits go on side by side.
-- usage: threads_and_the_lock.lua [size = 20000000]
local threading = require "gilua.threading"
local time = require "gilua.time"

local function count(i, standard)
  local n = math.tointeger(tonumber(arg[i] or standard))
  if n and n > 0 then return n end
  io.stderr:write("usage: threads_and_the_lock.lua [size = 20000000]\n")
  os.exit(2)
end

local size = count(1, 20000000)

local function compute(n)
  while n > 0 do n = n - 1 end
end

-- As a request to a slow server: ten answers, each 20 ms away.
local function wait(n)
  for _ = 1, n do time.sleep(0.02) end
end

local function timed(nthreads, f, total)
  local threads, t0 = {}, time.perf_counter()
  for i = 1, nthreads do threads[i] = threading.start(f, total // nthreads) end
  for _, t in ipairs(threads) do t:join() end
  return time.perf_counter() - t0
end

print("the same work, split over threads:")
print(string.format("%8s %20s %20s", "threads", "computing", "waiting"))
local computing, waiting
for _, n in ipairs { 1, 2, 4 } do
  local c, w = timed(n, compute, size), timed(n, wait, 20)
  computing, waiting = computing or c, waiting or w
  print(string.format("%8d %11.2f s (%.1f x) %11.2f s (%.1f x)", n, c, computing / c, w, waiting / w))
end
print("one thread at a time runs Lua, so computing gains nothing; a thread that waits leaves the lock to others.")
