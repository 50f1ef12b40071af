local threading = require "gilua.threading"
local actions, numbers, seen = 0, 0, {}
local b = threading.Barrier(3, function() actions = actions + 1 end)
local function run()
  for _ = 1, 4 do
    seen[b:wait()] = true
    numbers = numbers + 1
  end
end
local ts = {}
for i = 1, 3 do ts[i] = threading.start(run) end
for _, t in ipairs(ts) do t:join() end
local list = {}
for n in pairs(seen) do list[#list + 1] = n - 1 end
table.sort(list)
print(actions, numbers, "[" .. table.concat(list, ", ") .. "]")
print(b.parties, b.n_waiting, b.broken)
