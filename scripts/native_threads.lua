-- The same work in Lua and in native code, in one thread and in several: what the global lock costs, and what leaving it
-- gives. usage: native_threads.lua [n = 300000 [threads = 2]]
local native = require "gilua.native"
local threading = require "gilua.threading"
local time = require "gilua.time"

local function count(i, standard)
  local n = math.tointeger(tonumber(arg[i] or standard))
  if n and n > 0 then return n end
  io.stderr:write("usage: native_threads.lua [n = 300000 [threads = 2]]\n")
  os.exit(2)
end

local n, nthreads = count(1, 300000), count(2, 2)

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

-- Seconds that `count` threads need to do the work once each.
local function measure(f, limit, count)
  local t0, threads, want = time.perf_counter(), {}, nil
  for i = 1, count do threads[i] = threading.start(f, limit) end
  for _, t in ipairs(threads) do
    want = want or t:result()
    assert(t:result() == want)
  end
  return time.perf_counter() - t0, want
end

print(string.format("%-28s %10s %12s %14s", "counting primes", "1 thread", nthreads .. " threads", "speed-up"))
for _, row in ipairs { { "Lua, up to ", count_primes, n }, { "native, up to ", native.count_primes, 10 * n } } do
  local one, primes = measure(row[2], row[3], 1)
  local all = measure(row[2], row[3], nthreads)
  print(string.format("%-28s %8.2f s %10.2f s %12.2f x   (%d primes)", row[1] .. row[3], one, all, nthreads * one / all,
    primes))
end
print("Each thread does the whole work. Lua threads take turns under the lock; native work runs beside them.")
