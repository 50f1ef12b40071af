-- What recording costs a program that switches some 10 000 times a second: two threads hand a token to and fro, with some
-- work in between; the least of several runs, by turns with and without a recording.
-- usage: trace_overhead.lua [turns = 2000]
local common = require "common"
local threading = require "gilua.threading"
local gil = require "gilua.gil"
local n = common.args(2000)

-- Nanoseconds a turn.
local function turns()
  local a, b = threading.Semaphore(1), threading.Semaphore(0)
  local function run(mine, other)
    for _ = 1, n / 2 do
      mine:acquire()
      for _ = 1, 20000 do end
      other:release()
    end
  end
  local t0 = common.now()
  local one, two = threading.start(run, a, b), threading.start(run, b, a)
  one:join()
  two:join()
  return (common.now() - t0) / n * 1e9
end

local path, off, on = os.tmpname(), math.huge, math.huge
for _ = 1, 12 do
  off = math.min(off, turns())
  assert(gil.trace(path))
  on = math.min(on, turns())
  assert(gil.trace())
end
os.remove(path)
common.emit("trace_overhead", { "off_ns", off, "on_ns", on, "ratio", on / off })
