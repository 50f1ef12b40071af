-- SCTBench CS bluetooth_driver_bad: a request looks whether the driver stops before it counts itself. depth 2
local threading = require "gilua.threading"
local pending, stopping, stopped = 1, false, false

local function request()
  if stopping then return end
  pending = pending + 1
  assert(not stopped, "work on a driver that has stopped")
  pending = pending - 1
end

local function stop()
  stopping = true
  pending = pending - 1
  if pending == 0 then stopped = true end
end

local a, b = threading.start(request), threading.start(stop)
a:result()
b:join()
