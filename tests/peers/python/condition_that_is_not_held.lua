local threading = require "gilua.threading"
for _, cond in ipairs { threading.Condition(), threading.Condition(threading.Lock()) } do
  for _, method in ipairs { "wait", "notify", "notify_all", "wait_for" } do
    if not pcall(cond[method], cond, method == "wait_for" and function() end or nil) then print "not held" end
  end
end
local cond = threading.Condition()
cond:with(function()
  threading.start(function()
    if not pcall(cond.notify, cond) then print "held by another" end
  end):join()
end)
