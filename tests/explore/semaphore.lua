-- No more than its permits are inside, none is lost, and an event stays set.
local threading = require "gilua.threading"
local semaphore, open, guard, inside = threading.BoundedSemaphore(2), threading.Event(), threading.Lock(), 0

local function enter(n)
  local _ <close> = guard:hold()
  inside = inside + n
  assert(inside <= 2, "three are inside")
end

local function work()
  open:wait()
  local _ <close> = semaphore:hold()
  enter(1)
  enter(-1)
end

local threads = {}
for i = 1, 3 do threads[i] = threading.start(work) end
open:set()
for i = 1, 3 do threads[i]:join() end
assert(semaphore:acquire(false) and semaphore:acquire(false) and not semaphore:acquire(false))
