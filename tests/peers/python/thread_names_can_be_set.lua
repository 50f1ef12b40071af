local threading = require "gilua.threading"
local seen
local go = threading.Event()
local t = threading.Thread { target = function()
  go:wait()
  seen = threading.current_thread().name
end, name = "before" }
t:start()
print(t.name)
t.name = "after"
go:set()
t:join()
print("['" .. seen .. "']", t.name)
