local multiprocessing, time = require "gilua.multiprocessing", require "gilua.time"
local function ends(how)
  if how == "error" then
    require("gilua.threading").excepthook = function() end
    os.exit(1)
  end
  if how == "exit" then os.exit(3) end
  if how == "sleep" then time.sleep(60) end
end
for _, how in ipairs { "well", "error", "exit" } do
  local p = multiprocessing.Process { target = ends, args = { how } }
  print(p.pid, p.exitcode, p:is_alive())
  p:start()
  p:join()
  print(p.exitcode, p:is_alive())
end
local p = multiprocessing.Process { target = ends, args = { "sleep" } }
p:start()
print(p:is_alive(), p.exitcode, p:join(0.01) or nil, p:is_alive())
p:terminate()
p:join()
print(p.exitcode)
p = multiprocessing.Process { target = ends, args = { "sleep" } }
p:start()
p:kill()
p:join()
print(p.exitcode)
if not pcall(p.start, p) then print "started twice" end
