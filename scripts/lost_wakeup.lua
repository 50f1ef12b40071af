-- A thread looks whether it has to wait before it takes the lock, so the notification may come between the two and be lost;
-- `gilua explore` finds that it waits for ever. It has to look while it holds the lock.
-- usage: gilua explore lost_wakeup.lua [mended]
local threading = require "gilua.threading"

local changed, ready = threading.Condition(), false

local function wait()
  if not ready then
    local _ <close> = changed:hold()
    changed:wait()
  end
end

local function wait_mended()
  local _ <close> = changed:hold()
  while not ready do changed:wait() end
end

local waiter = threading.start(arg[1] == "mended" and wait_mended or wait)
do
  local _ <close> = changed:hold()
  ready = true
  changed:notify()
end
waiter:join()
