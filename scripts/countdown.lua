-- Start a thread, ask how it is, wait for it: a countdown in the background.
-- usage: countdown.lua [seconds between two lines = 5 [from = 10]]
local threading = require "gilua.threading"
local time = require "gilua.time"

local pause, from = tonumber(arg[1] or 5), math.tointeger(tonumber(arg[2] or 10))
if not pause or pause < 0 or not from then
  io.stderr:write("usage: countdown.lua [seconds between two lines = 5 [from = 10]]\n")
  os.exit(2)
end

local function countdown(n)
  while n > 0 do
    print("T-minus", n)
    n = n - 1
    time.sleep(pause)
  end
  return "lift-off"
end

local t = threading.Thread { target = countdown, args = { from }, name = "countdown" }
t:start()

-- The main program goes on meanwhile.
if t:is_alive() then print("Still running") else print("Completed") end
time.sleep(pause * 1.5)
print("main: the countdown is " .. (t:is_alive() and "still running" or "over"))

print(t:result()) -- joins, and returns what countdown returned
print(t:is_alive() and "Still running" or "Completed")
