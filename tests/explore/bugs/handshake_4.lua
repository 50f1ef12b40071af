-- Two threads must alternate three times. depth 4
local threading = require "gilua.threading"
local one, two, three, four = false, false, false, false
local a = threading.start(function()
  one = true
  if two then three = true end
  if four then error "all steps" end
end)
local b = threading.start(function()
  if one then two = true end
  if three then four = true end
end)
a:result()
b:result()
