local threading = require "gilua.threading"
local lock = threading.Lock()
lock:acquire()
threading.start(lock.release, lock):join()
print(lock:locked())
if not pcall(lock.release, lock) then print "free" end
print(lock:acquire(), lock:acquire(false), lock:acquire(true, 0.01))
if not pcall(lock.acquire, lock, false, 1) then print "no timeout" end
if not pcall(lock.acquire, lock, true, -2) then print "negative" end
if not pcall(lock.acquire, lock, true, threading.TIMEOUT_MAX * 2) then print "too long" end
print(threading.TIMEOUT_MAX > 1e6)
