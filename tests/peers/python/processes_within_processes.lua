local multiprocessing = require "gilua.multiprocessing"
local function inner() os.exit(7) end
local function outer()
  local p = multiprocessing.Process { target = inner }
  p:start()
  p:join()
  os.exit(p.exitcode + 1)
end
local p = multiprocessing.Process { target = outer }
p:start()
p:join()
print(p.exitcode)
