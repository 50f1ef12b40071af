local threading = require "gilua.threading"
local b = threading.Barrier(1)
b:wait()
b:wait()
print("passed", b.n_waiting)
if not pcall(threading.Barrier, 0) then print "refused" end
b:abort()
local _, why = b:wait()
print(why)
