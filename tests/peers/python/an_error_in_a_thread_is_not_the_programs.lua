local threading = require "gilua.threading"
threading.excepthook = function(_, err) print("hook", err) end
local t = threading.Thread { target = function() error("lost", 0) end }
t:start()
t:join()
print "goes on"
