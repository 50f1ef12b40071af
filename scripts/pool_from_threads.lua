-- Living with the lock: threads that hand what computes to a pool of processes, against the same threads alone.
-- usage: pool_from_threads.lua [threads = 2 [calls each = 20]]
local multiprocessing = require "gilua.multiprocessing"
local threading = require "gilua.threading"
local time = require "gilua.time"

local function count(i, standard)
  local n = math.tointeger(tonumber(arg[i] or standard))
  if n and n > 0 then return n end
  io.stderr:write("usage: pool_from_threads.lua [threads = 2 [calls each = 20]]\n")
  os.exit(2)
end

local nthreads, calls = count(1, 2), count(2, 20)

-- A large calculation, bound to the processor.
local function some_work(n)
  local sum = 0
  for i = 1, n do sum = sum + i % 7 end
  return sum
end

-- Runs f in every thread; a thread that only wants to wake up often runs beside them.
local function run(f)
  local wakeups, stop = 0, false
  local ticker = threading.start(function()
    while not stop do
      time.sleep(0.001)
      wakeups = wakeups + 1
    end
  end)
  local threads, t0 = {}, time.perf_counter()
  for i = 1, nthreads do threads[i] = threading.start(f) end
  for _, thread in ipairs(threads) do thread:result() end
  local seconds = time.perf_counter() - t0
  stop = true
  ticker:join()
  return seconds, wakeups / seconds
end

local size = 1000000
local alone, alone_wakeups = run(function()
  for _ = 1, calls do some_work(size) end
end)

local pool <close> = multiprocessing.Pool { processes = multiprocessing.cpu_count() }
local pooled, pooled_wakeups = run(function()
  for _ = 1, calls do pool:apply(some_work, { size }) end -- leaves the lock while it waits
end)

print(string.format("%d threads, %d calls each", nthreads, calls))
print(string.format("in the threads       %6.2f s, another thread woke %4.0f times a second", alone, alone_wakeups))
print(string.format("in a pool, from them %6.2f s, another thread woke %4.0f times a second", pooled, pooled_wakeups))
