-- What scripts/convoy.lua shows, as far as it does not depend on how fast the machine is: who is later than whom.
local t = require "testing"

local INTERVAL = 0.05 -- long, so that what the system does to the threads is small beside it
local text, status = t.run { os.getenv("TEST_ROOT") .. "/scripts/convoy.lua", 30, INTERVAL }

-- policy -> {median lateness in ms, what the spinner keeps in %, switches a second}
local rows = {}
for policy, median, keeps, switches in text:gmatch("\n(%l+) +([%d.]+) ms +[%d.]+ ms +(%d+) %% +(%d+)") do
  rows[policy] = { late = tonumber(median), keeps = tonumber(keeps), switches = tonumber(switches) }
end

t.test("the script has a line for each policy", function()
  t.equal(status, 0, text)
  for _, policy in ipairs { "ticks", "interval", "fair" } do t.equal(rows[policy] ~= nil, true, text) end
end)

t.test("convoy: under interval an answer waits for most of an interval", function()
  t.near(rows.interval.late, INTERVAL * 1000 / 2, 1e6, text)
end)

t.test("cure: under fair it comes much earlier", function()
  t.near(rows.fair.late, 0, rows.interval.late / 2, text)
end)

t.test("battle: under ticks the lock changes hands far more often than under interval", function()
  t.near(rows.ticks.switches, 3 * rows.interval.switches, 1e9, text)
end)

t.test("wrong arguments are answered with the usage", function()
  for _, args in ipairs { { "scripts/convoy.lua", 0 }, { "scripts/convoy.lua", 5, 9 } } do
    local text, status = t.run(args)
    t.equal(text:find("usage: convoy.lua [", 1, true) ~= nil, true, text)
    t.equal(status, 2)
  end
end)

t.finish()
