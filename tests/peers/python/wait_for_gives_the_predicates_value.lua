local threading = require "gilua.threading"
local cond = threading.Condition()
cond:with(function()
  print(cond:wait_for(function() return "there" end))
  print(cond:wait_for(function() return false end, 0.01))
  print(cond:wait_for(function() return nil end, 0))
  print(cond:wait(0.01))
  if not pcall(cond.wait_for, cond, function() return 1 // 0 end) then print "error" end
end)
print "left"
