-- What looking for deadlocks costs a wait for an RLock: the same turns through RLocks that have a holder to follow, and
-- through semaphores, which have none.
-- usage: deadlock_check.lua [turns = 5000]
local common = require "common"
local threading = require "gilua.threading"
local time = require "gilua.time"
local n = common.args(5000)

local function turns(new)
  local lock, gate = new(), threading.Barrier(2)
  local function run()
    gate:wait()
    for _ = 1, n do
      lock:acquire()
      time.sleep(0) -- so that the other one waits
      lock:release()
    end
  end
  local t0 = common.now()
  local one, two = threading.start(run), threading.start(run)
  one:join()
  two:join()
  return (common.now() - t0) / (2 * n)
end

local semaphore, rlock = math.huge, math.huge
for _ = 1, 5 do
  semaphore = math.min(semaphore, turns(function() return threading.Semaphore(1) end))
  rlock = math.min(rlock, turns(threading.RLock))
end
common.emit("deadlock_check", { "semaphore_ns", semaphore * 1e9, "rlock_ns", rlock * 1e9, "check_ns", (rlock - semaphore) * 1e9 })
