-- Small programs with published mistakes, written anew: each is found, by PCT as often as its bound says, and in no more runs than
-- were published for that kind. The numbers follow from the seeds, so they are the same on every machine.
local t = require "testing"
local bugs = dofile "tests/explore/bugs.lua"

local runs = t.hostile and 100 or 250

for _, name in ipairs(bugs.names) do
  t.test(name .. " is found, as often as PCT says, and in no more runs than were published", function()
    local pct, pos = bugs.measure(t.run, name, "pct", runs), bugs.measure(t.run, name, "pos", runs)
    local doubt = 3 * math.sqrt(pct.bound * (1 - pct.bound) / runs) -- three standard deviations of what a bound that is exact gives
    assert(pct.rate >= pct.bound - doubt, pct.rate .. " < " .. pct.bound)
    local most = tonumber((bugs.published[name] or ""):match "%d+")
    if not most then return end
    local least = math.min(bugs.needed(pct), bugs.needed(pos))
    assert(least <= most, least .. " runs, and published are " .. most)
  end)
end

t.test("those of depth 3 to 5 that few orders show are found", function()
  for name, depth in pairs { handshake_3 = 3, handshake_4 = 4, reorder_5 = 5 } do
    for _, strategy in ipairs { "pct", "pos", "random" } do
      local text, status = t.run { "explore", "--runs", "10000", "--strategy", strategy, "--depth", depth, bugs.path(name) }
      assert(status == 1 and text:find("fails (error)", 1, true), name .. " " .. strategy .. ": " .. text)
    end
  end
end)

t.test("POS draws the priorities of what raced anew, so that threads that must alternate do more often", function()
  assert(bugs.measure(t.run, "handshake_3", "pos", 400).rate > 0.02)
end)

t.finish()
