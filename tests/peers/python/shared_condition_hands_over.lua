local mp = require "gilua.multiprocessing"
local function consumer(cond, turn, out)
  for i = 0, 2 do
    local _ <close> = cond:hold()
    cond:wait_for(function() return turn.value == 1 end)
    out:put(i)
    turn.value = 0
    cond:notify()
  end
end
local function late(cond, out)
  local _ <close> = cond:hold()
  out:put(cond:wait(0.01))
end
local cond, turn, out = mp.Condition(), mp.Value("i", 0), mp.Queue()
local p = mp.Process { target = consumer, args = { cond, turn, out } }:start()
for _ = 1, 3 do
  cond:with(function()
    cond:wait_for(function() return turn.value == 0 end)
    turn.value = 1
    cond:notify()
  end)
  print(out:get())
end
p:join()
p = mp.Process { target = late, args = { cond, out } }:start()
print(out:get())
p:join()
if not pcall(cond.notify, cond) then print "not held" end
cond:with(function()
  print(cond:wait_for(function() return false end, 0.01), (cond:wait_for(function() return 7 end)))
end)
