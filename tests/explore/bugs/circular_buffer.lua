-- SCTBench CS circular_buffer_bad: a ring whose ends are moved under different locks, and whose count under none. depth 2
local threading = require "gilua.threading"
local ring, head, tail, count = {}, 0, 0, 0
local put_lock, get_lock = threading.Lock(), threading.Lock()

local function put(x)
  local _ <close> = put_lock:hold()
  ring[tail] = x
  tail = (tail + 1) % 4
  count = count + 1
end

local function get()
  local _ <close> = get_lock:hold()
  if count == 0 then return nil end
  local x = ring[head]
  head = (head + 1) % 4
  count = count - 1
  return x
end

put(0)
local got = 0
local a = threading.start(function() for i = 1, 2 do put(i) end end)
local b = threading.start(function() for _ = 1, 2 do got = got + (get() and 1 or 0) end end)
a:join()
b:join()
assert(got + count == 3, "3 items were put, " .. got .. " taken, and " .. count .. " are left")
