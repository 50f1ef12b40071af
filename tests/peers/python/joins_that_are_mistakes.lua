local threading = require "gilua.threading"
local t = threading.Thread { target = print }
if not pcall(t.join, t) then print "not started" end
local me = threading.current_thread()
if not pcall(me.join, me) then print "oneself" end
t = threading.Thread { target = function() end }
t:start()
t:join()
t:join()
t:join(0)
if not pcall(t.start, t) then print "once only" end
if not pcall(t.join, t, "soon") then print "no number" end
