-- Two threads must alternate twice. depth 3
local threading = require "gilua.threading"
local one, two, three = false, false, false
local a = threading.start(function()
  one = true
  if two then three = true end
end)
local b = threading.start(function()
  if one then two = true end
  if three then error "all steps" end
end)
a:result()
b:result()
