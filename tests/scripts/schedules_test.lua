-- The scripts about schedules: explore finds what is wrong with each, and nothing once it is mended.
local t = require "testing"

local runs = t.hostile and "100" or "400"

for name, outcome in pairs {
  check_then_act = "(error)", lost_wakeup = "(deadlock)", philosophers = "(deadlock)", unlocked_counter = "(error)",
} do
  local script = "scripts/" .. name .. ".lua"
  t.test(name .. " fails in some order of its threads", function()
    local text, status = t.run { "explore", "--runs", runs, script }
    assert(status == 1 and text:find(script .. " fails " .. outcome, 1, true), text)
    assert(text:find("--- is preempted here ---", 1, true), text)
  end)
  t.test(name .. ", mended, fails in none that is tried", function()
    for _, strategy in ipairs { "random", "pct" } do
      local text, status = t.run { "explore", "--runs", runs, "--strategy", strategy, script, "mended" }
      assert(status == 0 and text:find(runs + 1 .. " runs, none failed", 1, true), text)
    end
    local text, status = t.run { "explore", "--runs", "20", "--races", script, "mended" }
    assert(status == 0 and text:find("no race was seen", 1, true), text)
  end)
end

for name, what in pairs { check_then_act = "field 'x'", unlocked_counter = "variable 'count'" } do
  t.test("the race of " .. name .. " is seen in the first run", function()
    local script = "scripts/" .. name .. ".lua"
    local text, status = t.run { "explore", "--races", script }
    assert(status == 1 and text:find(script .. " fails (race) in run 0", 1, true) and text:find(what, 1, true), text)
  end)
end

t.finish()
