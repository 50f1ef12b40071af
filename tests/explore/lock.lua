-- Locks exclude, an RLock nests, a timeout leaves nothing held, a cancelled wait takes nothing.
local threading = require "gilua.threading"
local lock, rlock, inside, entered = threading.Lock(), threading.RLock(), false, 0

local function enter(l)
  local _ <close> = l:hold()
  assert(not inside, "two threads are inside")
  inside = true
  entered = entered + 1
  inside = false
end

local function work()
  enter(lock)
  if lock:acquire(true, 0.001) then
    entered = entered + 1
    lock:release()
  end
  local _ <close> = rlock:hold()
  local _ <close> = rlock:hold()
  assert(rlock:held())
end

local a, b = threading.start(work), threading.start(work)
local c = threading.start(function()
  local _ <close> = lock:hold()
end)
c:cancel()
a:join() b:join()
pcall(c.result, c)
assert(not lock:locked() and not rlock:held() and not inside and entered >= 2)
assert(lock:acquire(false))
