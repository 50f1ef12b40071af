local threading = require "gilua.threading"
local lock = threading.Lock()
local not_empty, not_full = threading.Condition(lock), threading.Condition(lock)
local items, out = {}, {}
local function produce()
  for i = 0, 5 do
    local _ <close> = not_full:hold()
    not_full:wait_for(function() return #items < 2 end)
    items[#items + 1] = i
    not_empty:notify()
  end
end
local function consume()
  for _ = 0, 5 do
    local _ <close> = not_empty:hold()
    not_empty:wait_for(function() return #items > 0 end)
    out[#out + 1] = table.remove(items, 1)
    not_full:notify()
  end
end
local ts = { threading.start(produce), threading.start(consume) }
for _, t in ipairs(ts) do t:join() end
print("[" .. table.concat(out, ", ") .. "]", lock:locked())
not_full:with(function() print(lock:locked()) end)
