local threading = require "gilua.threading"
local l = threading.Local()
l.x = "main"
for i = 1, 2 do
  threading.start(function()
    print(l.x ~= nil)
    l.x = i
    print(l.x)
  end):join()
end
print(l.x)
l.x = nil
print(l.x ~= nil)
