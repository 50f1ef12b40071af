local threading = require "gilua.threading"
local gate, lock, log = threading.Event(), threading.Lock(), {}
local t = threading.Thread { target = function() gate:wait() end }
t:start()
local joiners = {}
for i = 1, 3 do
  joiners[i] = threading.start(function()
    t:join()
    lock:with(table.insert, log, tostring(t:is_alive()))
  end)
end
print(t:is_alive(), "[" .. table.concat(log, ", ") .. "]")
gate:set()
for i = 1, 3 do joiners[i]:join() end
print("[" .. table.concat(log, ", ") .. "]")
