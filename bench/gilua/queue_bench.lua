-- N items from P producer threads to C consumer threads through one queue.
-- usage: queue_bench.lua [N] [P] [C] [MAXSIZE|0]
local C = require "common"
local threading = require "gilua.threading"
local queue = require "gilua.queue"
local n, producers, consumers, maxsize = C.args(200000, 1, 1, 0)
local q = queue.Queue(maxsize)
n = n - n % (producers * consumers)

local function produce(k)
  for i = 1, k do q:put(i) end
end

local function consume(k)
  for _ = 1, k do q:get() end
end

local t0, threads = C.now(), {}
for _ = 1, consumers do threads[#threads + 1] = threading.start(consume, n // consumers) end
for _ = 1, producers do threads[#threads + 1] = threading.start(produce, n // producers) end
for _, t in ipairs(threads) do t:join() end
C.per_op(string.format("queue.%dx%d.max%d", producers, consumers, maxsize), n, C.now() - t0)
