-- What recording costs: a program that computes and switches about 10 000 times a second, with and without it; and two
-- threads that do nothing but take turns, where a turn is one event.
-- usage: trace_overhead.lua work|turns [seconds = 2 | turns = 200000]
local common = require "common"
local threading = require "gilua.threading"
local gil = require "gilua.gil"
local what, n = common.args("work", 0)

local path = os.tmpname()

local function recorded(f, ...)
  assert(gil.trace(path))
  local result = f(...)
  assert(gil.trace())
  return result
end

-- Two threads hand a token to and fro after about 100 us of work each; returns seconds of processor time a round.
local function rounds(count, work)
  local a, b = threading.Semaphore(1), threading.Semaphore(0)
  local function run(mine, other)
    for _ = 1, count do
      mine:acquire()
      for _ = 1, work do local _ = {} end
      other:release()
    end
  end
  local t0 = common.now()
  local one, two = threading.start(run, a, b), threading.start(run, b, a)
  one:join()
  two:join()
  return (common.now() - t0) / (2 * count)
end

local count, work = n > 0 and n or 10000, 1000
if what == "turns" then count, work = n > 0 and n or 200000, 0 end
rounds(count // 10, work)
local off, on = math.huge, math.huge
for _ = 1, 5 do
  off = math.min(off, rounds(count, work))
  on = math.min(on, recorded(rounds, count, work))
end
os.remove(path)
common.emit("trace_" .. what, { "off_ns", off * 1e9, "on_ns", on * 1e9, "ratio", on / off, "event_ns", (on - off) * 1e9 })
