-- Two threads count without a lock: most runs go well, and `gilua explore` finds one that does not. With a lock none is found.
-- usage: gilua explore unlocked_counter.lua [mended]
local threading = require "gilua.threading"

local lock = arg[1] == "mended" and threading.Lock()
local count = 0

local function add()
  for _ = 1, 3 do
    local _ <close> = lock and lock:hold() or nil
    local seen = count
    count = seen + 1
  end
end

local a, b = threading.start(add), threading.start(add)
a:join()
b:join()
assert(count == 6, "2 threads counted to 3, and the sum is " .. count)
