local threading = require "gilua.threading"
local function f(...)
  local shown = table.pack(...)
  for i = 1, shown.n do shown[i] = shown[i] == nil and "None" or tostring(shown[i]) end
  print(shown.n, table.unpack(shown, 1, shown.n))
end
local t = threading.Thread { target = f, args = { 1, "two", nil, n = 3 } }
t:start()
t:join()
t = threading.Thread { target = f }
t:start()
t:join()
print(t.name:find "^Thread%-" ~= nil, t.daemon)
t = threading.Thread { target = function() print("run of", threading.current_thread().name) end, name = "mine" }
t:start()
t:join()
