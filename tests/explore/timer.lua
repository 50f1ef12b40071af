-- A timer fires once or is called off, never both; sleeps end in the order of their deadlines.
local threading = require "gilua.threading"
local time = require "gilua.time"
local fired, order = 0, {}

local timer = threading.Timer(0.01, function() fired = fired + 1 end)
timer:start()
local function sleep(k)
  time.sleep(k)
  order[#order + 1] = k
end
local a, b = threading.start(sleep, 0.02), threading.start(sleep, 10)
local off = timer:cancel()
timer:join()
a:join() b:join()
assert(fired == (off and 0 or 1), "fired " .. fired .. " times")
assert(order[1] == 0.02 and order[2] == 10)
