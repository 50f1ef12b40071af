local threading = require "gilua.threading"
print(threading.stack_size())
print(threading.stack_size(2 * 1024 * 1024))
if not pcall(threading.stack_size, 4096) then print "too small" end
if not pcall(threading.stack_size, -1) then print "negative" end
local t = threading.start(function() print "runs" end)
t:join()
print(threading.stack_size(0), threading.stack_size(0))
