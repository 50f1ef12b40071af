local threading = require "gilua.threading"
local t = threading.Timer(0, print, { "never" })
t:cancel()
t:start()
t:join()
print(t:is_alive())
t = threading.Timer(1000, print)
t.daemon = true
t:start()
print(t:is_alive(), t.daemon)
t:cancel()
t:join()
print(t:is_alive())
