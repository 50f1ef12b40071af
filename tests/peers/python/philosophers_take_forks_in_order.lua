local threading = require "gilua.threading"
local forks, meals, ts = {}, {}, {}
for i = 1, 5 do forks[i], meals[i] = threading.Lock(), 0 end
local function philosopher(i)
  local first, second = math.min(i, i % 5 + 1), math.max(i, i % 5 + 1)
  for _ = 1, 20 do
    local _ <close> = forks[first]:hold()
    local _ <close> = forks[second]:hold()
    meals[i] = meals[i] + 1
  end
end
for i = 1, 5 do ts[i] = threading.Thread { target = philosopher, args = { i }, name = "philosopher " .. i - 1 } end
for _, t in ipairs(ts) do t:start() end
for _, t in ipairs(ts) do t:join() end
print("[" .. table.concat(meals, ", ") .. "]")
local locked = {}
for i, f in ipairs(forks) do locked[i] = tostring(f:locked()) end
print("[" .. table.concat(locked, ", "):gsub("false", "False") .. "]")
print(ts[3].name, ts[3]:is_alive())
