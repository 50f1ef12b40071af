-- Coyote's and shuttle's BoundedBuffer (Cargill's): one condition for who waits for items and who for places. Theirs fails with two
-- readers and a writer; here locks are given to who came first, so it takes one more of each. depth 3
local threading = require "gilua.threading"
local cond, item = threading.Condition(), nil

local function put(x)
  local _ <close> = cond:hold()
  while item do cond:wait() end
  item = x
  cond:notify()
end

local function get()
  local _ <close> = cond:hold()
  while not item do cond:wait() end
  item = nil
  cond:notify()
end

local running = {}
for i = 1, 3 do running[i] = threading.start(function() for _ = 1, 2 do get() end end) end
for i = 4, 5 do running[i] = threading.start(function() for k = 1, 3 do put(k) end end) end
for _, thread in ipairs(running) do thread:join() end
