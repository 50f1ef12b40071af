-- T threads increment one counter object under its lock, N increments in all. usage: lock_contended.lua [N] [T]
local C = require "common"
local threading = require "gilua.threading"
local n, nthreads = C.args(1000000, 2)

local SharedCounter = {}
SharedCounter.__index = SharedCounter

function SharedCounter.new(initial)
  return setmetatable({ _value = initial or 0, _lock = threading.Lock() }, SharedCounter)
end

function SharedCounter:incr(delta)
  local _ <close> = self._lock:hold()
  self._value = self._value + (delta or 1)
end

local counter, each = SharedCounter.new(), n // nthreads

local function worker()
  for _ = 1, each do counter:incr() end
end

local t0, threads = C.now(), {}
for i = 1, nthreads do threads[i] = threading.start(worker) end
for _, t in ipairs(threads) do t:join() end
local seconds = C.now() - t0
assert(counter._value == each * nthreads)
C.per_op("lock_contended.t" .. nthreads, each * nthreads, seconds)
