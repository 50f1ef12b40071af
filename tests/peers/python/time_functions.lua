local time = require "gilua.time"
local a = time.monotonic()
time.sleep(0.01)
print(time.monotonic() - a >= 0.01, time.time() > 1e9, math.type(time.time_ns()) == "integer" and "int", math.type(time.time()))
if not pcall(time.sleep, -1) then print "negative" end
time.sleep(0)
