-- Nothing is lost, nothing comes twice, items of one thread stay in order; join waits for all; shutdown wakes who waits.
local threading = require "gilua.threading"
local queue = require "gilua.queue"
local q, got = queue.Queue(1), { {}, {} }

local function put(k)
  for i = 1, 3 do q:put { k, i } end
end

local function get(k)
  local mine = got[k]
  while true do
    local item = q:get()
    if not item then return end
    mine[#mine + 1] = item
    q:task_done()
  end
end

local producers = { threading.start(put, 1), threading.start(put, 2) }
local consumers = { threading.start(get, 1), threading.start(get, 2) }
for _, t in ipairs(producers) do t:join() end
q:join()
q:shutdown()
for _, t in ipairs(consumers) do t:join() end
local seen = {}
for _, mine in ipairs(got) do
  local last = { 0, 0 }
  for _, item in ipairs(mine) do
    local from, i = table.unpack(item)
    assert(not seen[from .. ":" .. i], "an item came twice")
    assert(i > last[from], "items of one thread changed places")
    seen[from .. ":" .. i], last[from] = true, i
  end
end
assert(#got[1] + #got[2] == 6, "an item is lost")
