-- What recording costs: "event": a turn, by a thread that does nothing but give the lock away and take it back (the least
-- of many tries, each with and without a recording); "work": a program that switches some 10 000 times a second.
-- usage: trace_overhead.lua event|work [n]
local common = require "common"
local threading = require "gilua.threading"
local time = require "gilua.time"
local gil = require "gilua.gil"
local what, n = common.args("event", 300)

local path = os.tmpname()

-- Nanoseconds a turn.
local function turns()
  local least = math.huge
  for _ = 1, n do
    local t0 = time.perf_counter_ns()
    for _ = 1, n do time.sleep(0) end
    least = math.min(least, (time.perf_counter_ns() - t0) / n)
  end
  return least
end

-- Two threads hand a token to and fro after some work; nanoseconds a turn.
local function work()
  local a, b = threading.Semaphore(1), threading.Semaphore(0)
  local function run(mine, other)
    for _ = 1, 10 * n do
      mine:acquire()
      for _ = 1, 20000 do end
      other:release()
    end
  end
  local t0 = time.perf_counter_ns()
  local one, two = threading.start(run, a, b), threading.start(run, b, a)
  one:join()
  two:join()
  return (time.perf_counter_ns() - t0) / (20 * n)
end

local f, off, on = what == "event" and turns or work, math.huge, math.huge
for _ = 1, 3 do
  off = math.min(off, f())
  assert(gil.trace(path))
  on = math.min(on, f())
  assert(gil.trace())
end
os.remove(path)
common.emit("trace_" .. what, { "off_ns", off, "on_ns", on, "ratio", on / off, "event_ns", on - off })
