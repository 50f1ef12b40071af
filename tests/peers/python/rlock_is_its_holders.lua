local threading = require "gilua.threading"
local r = threading.RLock()
local log = {}
local function other()
  log[#log + 1] = tostring(r:acquire(false))
  log[#log + 1] = tostring(r:acquire(true, 0.01))
  if not pcall(r.release, r) then log[#log + 1] = "'not mine'" end
end
r:with(function()
  r:with(function()
    print(r:acquire(), r:acquire(false))
    r:release()
    r:release()
    threading.start(other):join()
  end)
end)
print("[" .. table.concat(log, ", ") .. "]")
if not pcall(r.release, r) then print "free" end
threading.start(function() log[#log + 1] = tostring(r:acquire(false)) end):join()
print(log[#log])
