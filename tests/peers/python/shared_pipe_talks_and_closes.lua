local mp = require "gilua.multiprocessing"
local a, b = mp.Pipe()
local p = mp.Process { target = function(conn)
  while true do
    local x, why = conn:recv()
    if why then break end
    conn:send(x * 2)
  end
end, args = { b } }:start()
b:close()
for i = 0, 2 do
  a:send(i)
  print((a:recv()))
end
print(a:poll())
a:close()
p:join()
print(p.exitcode)
local r, w = mp.Pipe(false)
w:send { "x", 1.5, nil }
print(r:poll(), table.unpack(r:recv(), 1, 3))
w:close()
print((select(2, r:recv())))
