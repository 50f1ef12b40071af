-- The SharedCounter of lock_contended under a "lock" of two C functions that do nothing: what its method costs in Lua.
-- usage: counter_floor.lua [N=1000000]
local n = tonumber(arg and arg[1]) or 1000000
local SharedCounter = {}
SharedCounter.__index = SharedCounter

function SharedCounter.new(initial)
  return setmetatable({ _value = initial or 0, _lock = setmetatable({ hold = assert }, { __close = rawlen }) }, SharedCounter)
end

function SharedCounter:incr(delta)
  local _ <close> = self._lock:hold()
  self._value = self._value + (delta or 1)
end

local counter, t0 = SharedCounter.new(), os.clock()
for _ = 1, n do counter:incr() end
local seconds = os.clock() - t0
assert(counter._value == n)
print(string.format('{"bench":"counter_floor","n":%d,"seconds":%.6f,"per_op_ns":%.3f}', n, seconds, seconds * 1e9 / n))
