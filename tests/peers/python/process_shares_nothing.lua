local multiprocessing = require "gilua.multiprocessing"
local x = { 1 }
local p = multiprocessing.Process { target = function(l)
  x[#x + 1] = 2
  l[#l + 1] = 2
end, args = { x } }
p:start()
p:join()
print("[" .. table.concat(x, ", ") .. "]", p.exitcode)
