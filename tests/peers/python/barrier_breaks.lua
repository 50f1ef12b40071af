local threading, time = require "gilua.threading", require "gilua.time"
local function wait(b, ...) return b:wait(...) and "passed" or "broken" end
local b = threading.Barrier(2)
print(wait(b, 0.01), b.broken)
print(wait(b), b.broken)
b:reset()
print(b.broken, b.n_waiting)
local function in_thread()
  local t = threading.start(wait, b)
  while b.n_waiting == 0 do time.sleep(0.001) end
  return t
end
local t = in_thread()
b:abort()
local first = t:result()
print("['" .. first .. "']", b.broken)
b:reset()
t = in_thread()
b:reset()
print("['" .. first .. "', '" .. t:result() .. "']", b.broken)
b = threading.Barrier(1, function() error("action", 0) end)
local _, e = pcall(b.wait, b)
print(e, b.broken)
print(wait(threading.Barrier(2, nil, 0.01)))
