local threading = require "gilua.threading"
local log = {}
local function nested(n)
  if n > 0 then
    local t = threading.Thread { target = nested, args = { n - 1 } }
    t:start()
    t:join()
  end
  log[#log + 1] = n
end
local t = threading.Thread { target = nested, args = { 4 } }
t:start()
t:join()
print("[" .. table.concat(log, ", ") .. "]")
