local threading = require "gilua.threading"
local l = threading.Lock()
print(l:acquire(), l:locked())
print(l:acquire(false), l:acquire(true, 0.01), l:acquire(true, 0))
l:release()
print(l:locked())
if not pcall(l.release, l) then print "release of a free lock is an error" end
if not pcall(l.acquire, l, false, 1) then print "no timeout without blocking" end
l:acquire()
local t = threading.Thread { target = l.release, args = { l } }
t:start()
t:join()
print(l:locked())
