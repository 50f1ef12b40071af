local multiprocessing = require "gilua.multiprocessing"
local function f() end
local p, q = multiprocessing.Process { target = f }, multiprocessing.Process { target = f }
print(p.name, q.name, multiprocessing.Process { target = f, name = "mine" }.name)
p.name = "renamed"
print(p.name, p.daemon, p.pid, p.exitcode)
p.daemon = true
p:start()
print(p.name, p.daemon, p.pid > 0)
if not pcall(function() p.daemon = false end) then print "too late" end
p:join()
q = multiprocessing.Process { target = f }
if not pcall(q.join, q) then print "not started" end
