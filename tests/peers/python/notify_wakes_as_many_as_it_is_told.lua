local threading = require "gilua.threading"
local cond = threading.Condition()
local waiting, woken = 0, {}
local function wait_until(pred)
  while not cond:with(pred) do end
end
local function list()
  local sorted = table.move(woken, 1, #woken, 1, {})
  table.sort(sorted)
  return "[" .. table.concat(sorted, ", ") .. "]"
end
local ts = {}
for n = 0, 3 do
  ts[n] = threading.start(function()
    local _ <close> = cond:hold()
    waiting = waiting + 1
    cond:wait()
    woken[#woken + 1] = n
  end)
  wait_until(function() return waiting == n + 1 end)
end
cond:with(cond.notify, cond, 2)
wait_until(function() return #woken == 2 end)
print(list())
cond:with(cond.notify, cond, 1)
wait_until(function() return #woken == 3 end)
cond:with(cond.notify_all, cond)
for n = 0, 3 do ts[n]:join() end
print(list())
cond:with(function()
  cond:notify(5)
  cond:notify_all()
end)
print "nobody waits"
