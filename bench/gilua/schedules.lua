-- What an order that is chosen costs: a search's runs, or a script under --seed beside the policy `fair`.
-- usage: schedules.lua explore [runs = 1000] [script]
--        schedules.lua seeded SCRIPT [argument]       ratio: processor time under --seed over that without
local C = require "common"
local what, first, second = C.args("explore", "1000", "")
local gilua = arg[-1]

-- Seconds of the processor for gilua with these words, and by the clock.
local function seconds(...)
  local words = table.concat({ gilua, ... }, " ")
  local t0 = C.now()
  local shell <close> = io.popen("bash -c \"TIMEFORMAT='%U %S'; { time " .. words .. " >/dev/null 2>&1; } 2>&1\"")
  local user, system = shell:read("n", "n")
  return user + system, C.now() - t0
end

if what == "explore" then
  local _, wall = seconds("explore", "--count", "--runs", first, second)
  C.emit("schedules.explore", { "runs", tonumber(first), "seconds", wall })
else
  local fair, seeded = math.huge, math.huge
  for _ = 1, 3 do
    fair = math.min(fair, (seconds(first, second)))
    seeded = math.min(seeded, (seconds("--seed", "1", first, second)))
  end
  C.emit("schedules.seeded", { "fair", fair, "seeded", seeded, "ratio", seeded / fair })
end
