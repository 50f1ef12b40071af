local threading = require "gilua.threading"
local c = threading.Condition()
do
  local _ <close> = c:hold()
  print(c:wait_for(function() return nil end, 0.01))
  print(c:wait_for(function() return 5 end))
  print(c:wait_for(function() return "late" end, 0))
  if not pcall(c.wait_for, c, function() error "x" end) then print "error of the predicate" end
end
local value, t = 0, nil
do
  local _ <close> = c:hold()
  t = threading.start(function()
    for _ = 1, 3 do
      c:with(function()
        value = value + 1
        c:notify_all()
      end)
    end
  end)
  print(c:wait_for(function() return value >= 3 end))
end
t:join()
if not pcall(c.wait_for, c, function() return false end, 0.01) then print "not held" end
