-- Every notification that is sent under the lock wakes somebody who waits; wait_for sees what it waits for.
local threading = require "gilua.threading"
local changed, items, taken = threading.Condition(), 0, 0

local function take()
  local _ <close> = changed:hold()
  assert(changed:wait_for(function() return items > 0 end))
  items = items - 1
  taken = taken + 1
end

local function give()
  local _ <close> = changed:hold()
  items = items + 1
  changed:notify()
end

local threads = {}
for i = 1, 2 do threads[i] = threading.start(take) end
for i = 3, 4 do threads[i] = threading.start(give) end
for _, t in ipairs(threads) do t:join() end
assert(items == 0 and taken == 2)
