local threading = require "gilua.threading"
local cond, turn, out = threading.Condition(), "ping", {}
local function player(me, other)
  for _ = 1, 3 do
    local _ <close> = cond:hold()
    cond:wait_for(function() return turn == me end)
    out[#out + 1] = me
    turn = other
    cond:notify()
  end
end
local a = threading.Thread { target = player, args = { "ping", "pong" } }
local b = threading.Thread { target = player, args = { "pong", "ping" } }
b:start() a:start() a:join() b:join()
print(table.concat(out, " "))
cond:with(function() print(cond:wait_for(function() return false end, 0.01), cond:wait(0.01)) end)
