-- Two readers of a read-write lock both wait for the other to leave before they write. depth 2
local threading = require "gilua.threading"
local cond, readers = threading.Condition(), 0
local function upgrade()
  cond:with(function() readers = readers + 1 end)
  local _ <close> = cond:hold()
  while readers > 1 do cond:wait() end
  readers = readers - 1
  cond:notify()
end
local a, b = threading.start(upgrade), threading.start(upgrade)
a:join()
b:join()
