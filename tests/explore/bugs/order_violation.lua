-- PCT paper, figure 1 (a), as in shuttle's figure1a: used before it is made. depth 1
local threading = require "gilua.threading"
local object
local a = threading.start(function()
  for _ = 1, 5 do end
  object = { 1 }
end)
local b = threading.start(function()
  for _ = 1, 5 do end
  return object[1]
end)
a:join()
b:result()
