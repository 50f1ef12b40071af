-- The same work three ways, by one worker and by several: in Lua threads, which take turns under the global lock; in
-- native code, which leaves it; in a pool of processes, each with a lock of its own.
-- usage: native_threads.lua [n = 300000 [workers = 2]]
local futures = require "gilua.futures"
local native = require "gilua.native"
local threading = require "gilua.threading"
local time = require "gilua.time"

local function count(i, standard)
  local n = math.tointeger(tonumber(arg[i] or standard))
  if n and n > 0 then return n end
  io.stderr:write("usage: native_threads.lua [n = 300000 [workers = 2]]\n")
  os.exit(2)
end

local n, workers = count(1, 300000), count(2, 2)

-- What native.count_primes does, line by line.
local function count_primes(limit)
  local count = 0
  for i = 2, limit do
    local prime = i % 2 ~= 0 or i == 2
    local d = 3
    while prime and d * d <= i do
      if i % d == 0 then prime = false end
      d = d + 2
    end
    if prime then count = count + 1 end
  end
  return count
end

-- Each way begins `count` times f(n), and returns what has a result().
local function in_threads(f)
  return function(count)
    local threads = {}
    for i = 1, count do threads[i] = threading.start(f, n) end
    return threads
  end
end

local pool <close> = futures.ProcessPoolExecutor { max_workers = workers }

local function in_pool(count)
  local tasks = {}
  for i = 1, count do tasks[i] = pool:submit(count_primes, n) end
  return tasks
end

-- Seconds until all have their result.
local function measure(begin, count)
  local t0, primes = time.perf_counter(), nil
  for _, work in ipairs(begin(count)) do
    local found = work:result()
    assert(primes == nil or primes == found)
    primes = found
  end
  return time.perf_counter() - t0, primes
end

print(string.format("%-24s %10s %12s %10s", "counting primes", "1 worker", workers .. " workers", "speed-up"))
for _, way in ipairs {
  { "in Lua threads", in_threads(count_primes) },
  { "in native code", in_threads(native.count_primes) },
  { "in a pool of processes", in_pool },
} do
  measure(way[2], workers) -- the first time makes threads, loads libraries, forks
  local one, primes = measure(way[2], 1)
  local all = measure(way[2], workers)
  print(string.format("%-24s %8.3f s %10.3f s %8.2f x   (%d primes)", way[1], one, all, workers * one / all, primes))
end
print("Each worker does the whole work, so no speed-up is 1, and as many as there are processors is the most.")
