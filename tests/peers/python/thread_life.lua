local threading = require "gilua.threading"
local gate = threading.Event()
local t = threading.Thread { target = gate.wait, args = { gate }, name = "worker", daemon = true }
print(t.name, t.daemon, t:is_alive(), t.ident == nil)
if not pcall(t.join, t) then print "not started" end
t:start()
local listed = false
for _, other in ipairs(threading.enumerate()) do listed = listed or other == t end
print(t:is_alive(), t.ident == nil, threading.active_count(), listed)
if not pcall(t.start, t) then print "started twice" end
t:join(0.01)
print(t:is_alive())
gate:set()
t:join()
t:join()
print(t:is_alive(), threading.active_count())
if not pcall(threading.current_thread().join, threading.current_thread()) then print "cannot join itself" end
print(threading.current_thread() == threading.main_thread(), threading.main_thread().name)
t.name = "renamed"
print(t.name)
