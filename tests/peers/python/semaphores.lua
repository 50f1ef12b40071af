local threading = require "gilua.threading"
local s = threading.Semaphore(2)
print(s:acquire(), s:acquire(), s:acquire(false), s:acquire(true, 0.01))
s:release(3)
local got = {}
for i = 1, 4 do got[i] = tostring(s:acquire(false)) end
print("[" .. table.concat(got, ", ") .. "]")
local b = threading.BoundedSemaphore(1)
if not pcall(b.release, b) then print "released too often" end
b:acquire()
b:release()
if not pcall(threading.Semaphore, -1) then print "negative" end
if not pcall(s.release, s, 0) then print "must be one or more" end
print(threading.Semaphore(0):acquire(false))
