-- gil.on_long_hold: who is told of a thread that kept others waiting for the lock.
local t = require "testing"
local threading = require "gilua.threading"
local time = require "gilua.time"
local gil = require "gilua.gil"

-- A native call that keeps the lock for some 50 ms: the pattern fails at each of the places.
local text = ("x"):rep(5000000)
local function hog() return text:find("y$") end

-- Runs hog in a thread while this one stands in line; returns the reports. More than one may come: a thread that is slow
-- to leave is told of, too.
local function hogged(seconds, f)
  local reports, started = {}, false
  gil.on_long_hold(seconds, function(thread, at, waited)
    reports[#reports + 1] = { thread = thread, at = at, waited = waited }
    if f then f() end
  end)
  local over = false
  local thread = threading.Thread { name = "hog", target = function()
    started = true
    for _ = 1, 2 do
      hog()
      time.sleep(0.001)
    end
    over = true
  end }:start()
  while not over do local _ = started end
  thread:join()
  gil.on_long_hold(nil)
  return reports, thread
end

-- The report about the thread.
local function about(reports, thread)
  for _, r in ipairs(reports) do
    if r.thread == thread or r.thread == thread.ident then return r end
  end
end

t.test("a native call that keeps another thread waiting is told: who, where, how long", function()
  local reports, thread = hogged(0.005)
  local r = about(reports, thread)
  t.equal(r ~= nil, true, "a report about the hog")
  t.equal(r.at:match("watchdog_test.lua:%d+$") ~= nil, true, r.at)
  t.near(r.waited, 0.005, 60)
end)

t.test("a limit that is not reached: nobody is told", function()
  t.equal(#hogged(1000), 0)
end)

t.test("a hold that nobody waits for is none", function()
  local told = 0
  gil.on_long_hold(0.001, function() told = told + 1 end)
  hog()
  time.sleep(0.001)
  gil.on_long_hold(nil)
  t.equal(told, 0)
end)

t.test("nil switches it off", function()
  local told = 0
  gil.on_long_hold(0.001, function() told = told + 1 end)
  gil.on_long_hold(nil)
  local over = false
  local thread = threading.start(function() hog() over = true end)
  while not over do end
  thread:join()
  t.equal(told, 0)
end)

t.test("the newest function is the one that is called", function()
  local first, reports = 0, nil
  gil.on_long_hold(0.001, function() first = first + 1 end)
  reports = hogged(0.001)
  t.equal(first, 0)
  t.near(#reports, 1, 1e6)
end)

t.test("an error in the function is a warning, and the program goes on", function()
  local out = t.run { "-W", "-e", [[
    local threading, gil = require "gilua.threading", require "gilua.gil"
    gil.on_long_hold(0.005, function() error("bad function", 0) end)
    local over = false
    local text = ("x"):rep(5000000)
    threading.start(function() text:find("y$") over = true end)
    while not over do end
    for i = 1, 1e6 do end
    print("went on")]] }
  t.equal(out:match("Lua warning: error in gil.on_long_hold: bad function\n.*went on\n$") ~= nil, true, out)
end)

t.test("wrong arguments are errors", function()
  for _, seconds in ipairs { 0, -1, 0 / 0, 1e300 } do
    t.raises("must be a positive number of seconds", gil.on_long_hold, seconds, print)
  end
  t.raises("function expected", gil.on_long_hold, 1)
  t.raises("function expected", gil.on_long_hold, 1, {})
end)

t.finish()
