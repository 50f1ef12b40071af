-- CHESS WorkStealQueue: the owner pops the last item without the lock that the thief takes. depth 2
local threading = require "gilua.threading"
local lock, items, head, tail = threading.Lock(), {}, 0, 0
local taken = {}

local function push(x)
  items[tail] = x
  tail = tail + 1
end

local function take(x) taken[x] = (taken[x] or 0) + 1 end

local function pop()
  local t = tail - 1
  tail = t
  if head <= t then return take(items[t]) end -- the thief may have looked at tail before
  tail = t + 1
end

local function steal()
  local _ <close> = lock:hold()
  local h = head
  if h < tail then
    local x = items[h]
    head = h + 1
    take(x)
  end
end

push "a"
push "b"
local thief = threading.start(function() for _ = 1, 2 do steal() end end)
pop()
pop()
thief:join()
assert((taken.a or 0) <= 1 and (taken.b or 0) <= 1, "an item was taken twice")
