-- L7: an ask is an EINTR in a system call of C code that keeps the lock. Asks back off, so that a loop which starts its
-- call anew each time with all of the timeout comes to an end. arg[1] is the module of hazard_module.c.
local t = require "testing"
local threading = require "gilua.threading"
local gil = require "gilua.gil"
local module = assert(package.loadlib("./" .. arg[1], "luaopen_hazard"))()

-- The asks of one hold are 1, 2, 4 … intervals apart: so many come before they are further apart than the call lasts.
local function asks_within(seconds, interval)
  return math.ceil(math.log(seconds / interval, 2)) + 2
end

t.test("a call of C code that keeps the lock is disturbed a few times, whoever waits", function()
  local stop = false
  local waiting = t.start(3, function() while not stop do end end)
  t.at_intervals(function(interval)
    t.near(module.patient_poll(100), 0, asks_within(0.1, interval))
  end, { 1e-6, 1e-4, 0.005 })
  stop = true
  t.join(waiting)
end)

t.test("the asks of a hog are counted", function()
  if t.polls then return end -- no signals there
  local begun, stop = false, false
  local waiting = t.start(1, function()
    begun = true
    while not stop do end
  end)
  t.eventually(function() return begun end, "it to compute")
  local before = gil.stats().signals
  local disturbed = module.patient_poll(100)
  t.near(disturbed, 1, math.huge)
  t.near(gil.stats().signals - before, disturbed, math.huge)
  stop = true
  t.join(waiting)
end)

t.finish()
