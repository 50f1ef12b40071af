-- PCT paper, figure 1 (b), as in shuttle's figure1b with 2 threads: taken away between the look and the use. depth 2
local threading = require "gilua.threading"
local object, running = { 1 }, {}
for i = 1, 0 do running[i] = threading.start(function() for _ = 1, 5 do end end) end
local a = threading.start(function()
  for _ = 1, 5 do end
  object = nil
  for _ = 1, 4 do end
end)
local b = threading.start(function()
  for _ = 1, 4 do end
  if object then return object[1] end
end)
for _, thread in ipairs(running) do thread:join() end
a:join()
b:result()
