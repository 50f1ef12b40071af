local threading = require "gilua.threading"
local seen = {}
local function child() seen[#seen + 1] = threading.current_thread().daemon and "True" or "False" end
local function parent()
  local t = threading.Thread { target = child }
  t:start()
  t:join()
end
for _, d in ipairs { true, false } do
  local t = threading.Thread { target = parent, daemon = d }
  t:start()
  t:join()
end
print("[" .. table.concat(seen, ", ") .. "]")
local gate = threading.Event()
local t = threading.Thread { target = gate.wait, args = { gate } }
t.daemon = true
t.daemon = false
t:start()
if not pcall(function() t.daemon = true end) then print "cannot be set any more" end
gate:set()
t:join()
