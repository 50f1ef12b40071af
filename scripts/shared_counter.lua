-- A lock around a shared counter, and what happens without it.
-- usage: shared_counter.lua [threads = 4 [increments each = 200000]]
local threading = require "gilua.threading"
local time = require "gilua.time"
local gil = require "gilua.gil"

local function count(i, standard)
  local n = math.tointeger(tonumber(arg[i] or standard))
  if n and n > 0 then return n end
  io.stderr:write("usage: shared_counter.lua [threads = 4 [increments each = 200000]]\n")
  os.exit(2)
end

local nthreads, each = count(1, 4), count(2, 200000)

-- A counter that several threads may use.
local SharedCounter = {}
SharedCounter.__index = SharedCounter

function SharedCounter.new(initial)
  return setmetatable({ _value = initial or 0, _value_lock = threading.Lock() }, SharedCounter)
end

function SharedCounter:incr(delta)
  local _ <close> = self._value_lock:hold() -- released at the end of the scope, also on errors
  self._value = self._value + (delta or 1)
end

function SharedCounter:decr(delta) self:incr(-(delta or 1)) end

function SharedCounter:value()
  local _ <close> = self._value_lock:hold()
  return self._value
end

-- The same without the lock. Reading, adding and writing are steps of their own, and here they lie in different calls, as
-- in most programs: another thread may run in between, and what it added is overwritten.
local BareCounter = {}
BareCounter.__index = BareCounter

function BareCounter.new(initial) return setmetatable({ _value = initial or 0 }, BareCounter) end
function BareCounter:value() return self._value end
function BareCounter:set(value) self._value = value end
function BareCounter:incr(delta) self:set(self:value() + (delta or 1)) end

local function count(counter)
  local threads, t0 = {}, time.perf_counter()
  for i = 1, nthreads do
    threads[i] = threading.start(function()
      for _ = 1, each do counter:incr() end
    end)
  end
  for _, t in ipairs(threads) do t:join() end
  return counter:value(), time.perf_counter() - t0
end

gil.switch_interval(0.0001) -- switch often, so that the lost updates show in a second instead of in an hour
local want = nthreads * each
for _, kind in ipairs { { "with the lock", SharedCounter }, { "without it", BareCounter } } do
  local got, seconds = count(kind[2].new())
  print(string.format("%-14s %9d of %9d increments, %8d lost, %.2f s", kind[1], got, want, want - got, seconds))
end
