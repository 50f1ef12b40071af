local threading = require "gilua.threading"
threading.excepthook = function(thread, err) print("ValueError", err, thread.name) end
local t = threading.Thread { target = function() error("went wrong", 0) end, name = "faulty" }
t:start()
t:join()
print(t:is_alive())
