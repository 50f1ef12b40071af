-- Work that computes, spread over the processors by a pool of processes.
-- usage: process_pool.lua [workers = processors [tasks = 16]]
local futures = require "gilua.futures"
local multiprocessing = require "gilua.multiprocessing"
local time = require "gilua.time"

local function count(i, standard)
  local n = math.tointeger(tonumber(arg[i] or standard))
  if n and n > 0 then return n end
  io.stderr:write("usage: process_pool.lua [workers = processors [tasks = 16]]\n")
  os.exit(2)
end

local workers, tasks = count(1, multiprocessing.cpu_count()), count(2, 16)

local function is_prime(n)
  if n < 2 then return false end
  for d = 2, math.floor(math.sqrt(n)) do
    if n % d == 0 then return false end
  end
  return true
end

-- How many primes there are from `first` on, among `n` numbers. What it captures travels with it.
local function count_primes(first, n)
  local count = 0
  for k = first, first + n - 1 do
    if is_prime(k) then count = count + 1 end
  end
  return count
end

local firsts, sizes = {}, {}
for i = 1, tasks do
  firsts[i], sizes[i] = (i - 1) * 20000, 20000
end

local t0 = time.perf_counter()
local alone = 0
for i = 1, tasks do alone = alone + count_primes(firsts[i], sizes[i]) end
local t1 = time.perf_counter()

local together = 0
do
  local pool <close> = futures.ProcessPoolExecutor { max_workers = workers }
  for count in pool:map(count_primes, firsts, sizes) do together = together + count end
end
local t2 = time.perf_counter()

assert(alone == together)
print(string.format("%d primes below %d", together, tasks * 20000))
print(string.format("one process   %.2f s", t1 - t0))
print(string.format("%2d workers    %.2f s, %.1f times as fast", workers, t2 - t1, (t1 - t0) / (t2 - t1)))
