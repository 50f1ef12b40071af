-- Native work in one thread, and the same in each of T threads. ratio is how much faster T threads do T times the work.
-- usage: native_work.lua WORK [T]      WORK: sha256 matmul count_primes
local C = require "common"
local native = require "gilua.native"
local threading = require "gilua.threading"
local name, nthreads = C.args("sha256", 2)

local size, calls = 64 << 20, 3
local work = {
  sha256 = function() return native.sha256, native.buffer("u8", size) end,
  count_primes = function() return native.count_primes, 1500000 end,
  matmul = function()
    local n = 800
    return native.matmul, native.buffer("f64", n * n):fill(1.5), native.buffer("f64", n * n):fill(0.5)
  end,
}

local function run(count)
  local jobs, threads = {}, {}
  for i = 1, count do jobs[i] = table.pack(work[name]()) end
  local t0 = C.now()
  for i = 1, count do
    threads[i] = threading.start(function() for _ = 1, calls do jobs[i][1](table.unpack(jobs[i], 2)) end end)
  end
  for _, t in ipairs(threads) do t:join() end
  return C.now() - t0
end

run(1)
local ones, ratios = {}, {}
for i = 1, 5 do
  ones[i] = run(1)
  ratios[i] = nthreads * ones[i] / run(nthreads)
end
table.sort(ones)
table.sort(ratios)
C.emit("native." .. name, { "ratio", ratios[3], "seconds", ones[3] / calls })
