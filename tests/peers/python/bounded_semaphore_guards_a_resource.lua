local threading = require "gilua.threading"
local pool = threading.BoundedSemaphore(2)
local lock, inside, most = threading.Lock(), 0, 0
local pair = threading.Barrier(2)
local function use()
  local _ <close> = pool:hold()
  lock:with(function()
    inside = inside + 1
    most = math.max(most, inside)
  end)
  pair:wait()
  lock:with(function() inside = inside - 1 end)
end
local ts = {}
for i = 1, 6 do ts[i] = threading.start(use) end
for i = 1, 6 do ts[i]:join() end
print(most, inside)
if not pcall(pool.release, pool) then print "more often than acquired" end
print(pool:acquire(false), pool:acquire(false), pool:acquire(false))
pool:release(2)
print(pool:acquire(true, 0.5))
