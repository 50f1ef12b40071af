local threading = require "gilua.threading"
local l = threading.RLock()
print(l:acquire(), l:acquire(), l:acquire())
local function other()
  print(l:acquire(false))
  if not pcall(l.release, l) then print "not the owner" end
end
local function run(f) threading.start(f):join() end
run(other)
l:release()
l:release()
run(other)
l:release()
run(function()
  print(l:acquire(false))
  l:release()
end)
if not pcall(l.release, l) then print "not held" end
