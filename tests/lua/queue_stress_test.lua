-- Queue, LifoQueue and SimpleQueue with many items: against a model, from many threads (behaviour 57).
local t = require "testing"
local threading = require "gilua.threading"
local queue = require "gilua.queue"

local seed = tonumber(arg[1]) or tonumber(os.getenv "TEST_RANDOM_SEED") or 1
print("# seed " .. seed)
math.randomseed(seed)

-- The same queue in plain Lua: a list and where it begins.
local function new_model(lifo)
  local list, first = {}, 1
  return {
    put = function(item) list[#list + 1] = item end,
    get = function()
      if lifo then return table.remove(list) end
      if first > #list then return nil end
      local item = list[first]
      list[first] = false
      first = first + 1
      if first > #list then list, first = {}, 1 end
      return item
    end,
    size = function() return #list - first + 1 end,
  }
end

for _, kind in ipairs { "Queue", "LifoQueue", "SimpleQueue" } do
  local new = queue[kind]

  t.test(kind .. " does what a plain list does, as it grows, wraps round and shrinks", function()
    local q, model, n = new(), new_model(kind == "LifoQueue"), 0
    for phase = 1, 60 do
      local bias = phase % 2 == 0 and math.random(20, 50) or math.random(45, 90) -- percent of puts
      for _ = 1, math.random(1, 1200) do
        if math.random(100) <= bias then
          n = n + 1
          t.equal(q:put(n), true)
          model.put(n)
        else
          t.equal(q:get(false), model.get(), "phase " .. phase .. ", item " .. n)
        end
        t.equal(q:qsize(), model.size())
      end
      if phase % 20 == 0 then
        while model.size() > 0 do t.equal(q:get(), model.get()) end
        t.equal(q:empty(), true)
      end
    end
  end)

  t.test(kind .. " wraps round at every size of its ring", function()
    for size = 1, 70 do
      local q, model = new(), new_model(kind == "LifoQueue")
      for i = 1, size do
        q:put(i)
        model.put(i)
      end
      for i = 1, 3 * size do -- as full as it is all the way round
        t.equal(q:get(), model.get())
        q:put(size + i)
        model.put(size + i)
      end
      for _ = 1, size do t.equal(q:get(), model.get()) end
      t.equal(q:empty(), true)
    end
  end)

  t.test(kind .. " holds very many items, and gives the memory back", function()
    collectgarbage()
    local before = collectgarbage("count")
    local q, n = new(), t.hostile and 20000 or 1000000
    for i = 1, n do q:put(i) end
    t.equal(q:qsize(), n)
    for i = 1, n do
      if q:get() ~= (kind == "LifoQueue" and n + 1 - i or i) then error("item " .. i .. " is wrong") end
    end
    t.equal(q:empty(), true)
    q:put("small again")
    collectgarbage()
    t.near(collectgarbage("count") - before, -math.huge, 1024, "KiB kept")
    t.equal(q:get(), "small again")
    for _ = 1, n + 1 do q:task_done() end
    t.raises("task_done", q.task_done, q)
  end)

  for _, maxsize in ipairs(kind == "SimpleQueue" and { 0 } or { 0, 1, 100 }) do
    t.test(kind .. "(" .. maxsize .. ") between 20 producers and 20 consumers: each item exactly once (57)", function()
      local q, each = new(kind ~= "SimpleQueue" and maxsize or nil), (maxsize == 1 or t.hostile) and 1000 or 10000 -- a switch an item takes its time
      local producers = t.start(20, function(i)
        for k = 1, each do q:put((i - 1) * each + k) end
      end)
      local consumers = t.start(20, function()
        local seen = {}
        for item in q:items() do
          seen[#seen + 1] = item
          q:task_done()
        end
        return seen
      end)
      t.join(producers)
      t.equal(q:join(t.limit), true)
      q:shutdown()
      t.join(consumers)
      local times, count = {}, 0
      for _, consumer in ipairs(consumers) do
        for _, item in ipairs(consumer:result()) do
          if times[item] then error("item " .. item .. " came twice") end
          times[item] = true
          count = count + 1
        end
      end
      t.equal(count, 20 * each)
      for item = 1, 20 * each do
        if not times[item] then error("item " .. item .. " is lost") end
      end
    end)
  end
end

t.test("one producer and one consumer keep the order of a Queue, whatever the switch interval and the bound", function()
  t.at_intervals(function()
    for _, maxsize in ipairs { 0, 1, 2, 17 } do
      local q = queue.Queue(maxsize)
      local consumer = threading.start(function()
        local expected = 0
        for item in q:items() do
          expected = expected + 1
          t.equal(item, expected)
        end
        return expected
      end)
      for i = 1, 1000 do t.equal(q:put(i, true, t.limit), true) end
      q:shutdown()
      t.equal(consumer:result(), 1000)
    end
  end)
end)

t.finish()
