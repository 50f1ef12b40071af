-- PriorityQueue: order, bounds, waiting. What its comparison may do is in priority_queue_less_test.lua, shutdown and
-- join are in queue_shutdown_test.lua.
local t = require "testing"
local threading = require "gilua.threading"
local queue = require "gilua.queue"
local time = require "gilua.time"

local seed = tonumber(arg[1]) or tonumber(os.getenv "TEST_RANDOM_SEED") or 1
print("# seed " .. seed)
math.randomseed(seed)

local function is_refused(reason, value, why, ...)
  t.equal(value, nil)
  t.equal(why, reason)
  t.equal(select("#", ...), 0)
end

local function drain(q)
  local items = {}
  for item in q.get_nowait, q do items[#items + 1] = tostring(item) end
  return table.concat(items, " ")
end

t.test("a PriorityQueue gives the least item first, by < unless it has a comparison", function()
  local q = queue.PriorityQueue()
  for _, item in ipairs { 5, 1, 4, 1.5, -3, 2 } do t.equal(q:put(item), true) end
  t.equal(q:qsize(), 6)
  t.equal(drain(q), "-3 1 1.5 2 4 5")
  for _, item in ipairs { "pear", "apple", "fig" } do q:put_nowait(item) end
  t.equal(drain(q), "apple fig pear")
  q:put(math.huge)
  q:put(math.mininteger)
  q:put(-math.huge)
  t.equal(drain(q), "-inf " .. math.mininteger .. " inf")
end)

t.test("a PriorityQueue orders by its own comparison", function()
  local q = queue.PriorityQueue(0, function(a, b) return a > b end)
  for i = 1, 5 do q:put(i) end
  t.equal(drain(q), "5 4 3 2 1")
  q = queue.PriorityQueue(nil, function(a, b) return a[1] < b[1] end)
  for _, p in ipairs { 3, 1, 2 } do q:put({ p }) end
  t.equal(q:get()[1] .. q:get()[1] .. q:get()[1], "123")
  q = queue.PriorityQueue(0, setmetatable({}, { __call = function(_, a, b) return #a < #b end }))
  for _, s in ipairs { "xxx", "x", "xx" } do q:put(s) end
  t.equal(drain(q), "x xx xxx")
end)

t.test("a PriorityQueue orders by the items' __lt", function()
  local Job = {}
  Job.__lt = function(a, b) return a.due < b.due end
  Job.__tostring = function(job) return job.name end
  local q = queue.PriorityQueue()
  for due, name in ipairs { "early", "noon", "late" } do q:put(setmetatable({ due = -due, name = name }, Job)) end
  t.equal(drain(q), "late noon early")
end)

t.test("a PriorityQueue takes what compares equal, in any order but all of it", function()
  local q, seen, count = queue.PriorityQueue(0, function(a, b) return a.key < b.key end), {}, 0
  for i = 1, 100 do q:put({ key = i % 3, id = i }) end
  local last = 0
  for item in q.get_nowait, q do
    t.near(item.key, last, 2)
    last = item.key
    t.equal(seen[item.id], nil)
    seen[item.id] = true
    count = count + 1
  end
  t.equal(count, 100)
end)

t.test("a PriorityQueue needs no comparison for a single item", function()
  local q = queue.PriorityQueue()
  for _, item in ipairs { false, true, {}, print } do
    q:put(item)
    t.equal(q:get(), item)
  end
  t.raises("value other than nil expected", q.put, q, nil)
  t.equal(q:qsize(), 0)
end)

t.test("a PriorityQueue takes an integer bound and a function", function()
  t.raises("integer representation", queue.PriorityQueue, 1.5)
  t.raises("number expected", queue.PriorityQueue, print)
  t.raises("function expected, got table", queue.PriorityQueue, 0, {})
  t.raises("function expected, got number", queue.PriorityQueue, 0, 1)
end)

t.test("a PriorityQueue does what a sorted list does, whatever the operations", function()
  for _ = 1, 20 do
    local less = math.random(2) == 1 and function(a, b) return a < b end or nil
    local q, model = queue.PriorityQueue(0, less), {}
    for _ = 1, math.random(1, 3) do
      local bias, range = math.random(20, 80), math.random(1, 1000)
      for _ = 1, math.random(1, 400) do
        if math.random(100) <= bias then
          local item = math.random(range)
          local place = 1
          while model[place] and model[place] < item do place = place + 1 end
          table.insert(model, place, item)
          q:put(item)
        elseif #model > 0 then
          t.equal(q:get(), table.remove(model, 1))
        else
          is_refused("empty", q:get(false))
        end
        t.equal(q:qsize(), #model)
      end
    end
    for _, item in ipairs(model) do t.equal(q:get(), item) end
    t.equal(q:empty(), true)
  end
end)

t.test("a PriorityQueue sorts a hundred thousand items", function()
  local q, n, last = queue.PriorityQueue(), 100000, -1
  for _ = 1, n do q:put(math.random(n)) end
  for _ = 1, n do
    local item = q:get()
    if item < last then error(item .. " came after " .. last) end
    last = item
  end
  t.equal(q:empty(), true)
end)

t.test("a PriorityQueue with a bound refuses and lets in as a Queue does (54)", function()
  local q = queue.PriorityQueue(2)
  q:put(2)
  q:put(3)
  t.equal(q:full(), true)
  is_refused("full", q:put_nowait(1))
  is_refused("full", q:put(1, false))
  is_refused("full", q:put(1, true, 0))
  is_refused("timeout", q:put(1, true, 0.001))
  local threads = {}
  for i = 1, 3 do
    threads[i] = threading.start(q.put, q, 10 * i)
    t.parked(threads[i], "queue")
  end
  for i, least in ipairs { 2, 3, 10 } do
    t.equal(q:get(), least)
    is_refused("full", q:put_nowait(1)) -- the place is for who waits
    t.equal(threads[i]:result(), true)
  end
  t.equal(drain(q), "20 30")
end)

t.test("a get of a PriorityQueue waits, times out and can be cancelled (54)", function()
  local q = queue.PriorityQueue()
  is_refused("empty", q:get_nowait())
  is_refused("empty", q:get(true, 0))
  local t0 = time.monotonic()
  is_refused("timeout", q:get(true, 0.02))
  t.near(time.monotonic() - t0, 0.019, t.limit)
  local first, second = threading.start(q.get, q), nil
  t.parked(first, "queue")
  second = threading.start(q.get, q)
  t.parked(second, "queue")
  first:cancel()
  t.raises_kind("cancelled", first.result, first)
  q:put(7)
  t.equal(second:result(), 7)
  t.equal(q:empty(), true)
end)

t.test("10 waiters and 100 pushes: nobody misses (58)", function()
  t.at_intervals(function()
    local q, lock, seen = queue.PriorityQueue(), threading.Lock(), {}
    local threads = t.start(10, function()
      for _ = 1, 10 do
        local item = q:get()
        lock:with(function() seen[item] = (seen[item] or 0) + 1 end)
      end
    end)
    t.parked(threads, "queue")
    for i = 1, 100 do q:put(i) end
    t.join(threads)
    for i = 1, 100 do t.equal(seen[i], 1) end
  end)
end)

t.test("10 producers and 10 consumers: each item exactly once, and the rest comes in order (57)", function()
  for _, maxsize in ipairs { 0, 3 } do
    local q = queue.PriorityQueue(maxsize, function(a, b) return a < b end)
    local producers = t.start(10, function(i)
      for k = 1, 500 do q:put((k - 1) * 10 + i) end
    end)
    local consumers = t.start(10, function()
      local mine = {}
      for item in q:items() do mine[#mine + 1] = item end
      return mine
    end)
    t.join(producers)
    q:shutdown()
    t.join(consumers)
    local times, count = {}, 0
    for _, consumer in ipairs(consumers) do
      for _, item in ipairs(consumer:result()) do
        t.equal(times[item], nil)
        times[item] = true
        count = count + 1
      end
    end
    t.equal(count, 5000)
    for item = 1, 5000 do t.equal(times[item], true) end
  end
end)

t.test("a PriorityQueue lets go of an item as soon as it is taken", function()
  local q, weak = queue.PriorityQueue(0, function(a, b) return a[1] < b[1] end), setmetatable({}, { __mode = "v" })
  for i = 1, 40 do
    weak[i] = { (i * 7) % 40 }
    q:put(weak[i])
  end
  for i = 0, 39 do
    t.equal(q:get()[1], i)
    if i % 10 == 9 then
      collectgarbage()
      local left = 0
      for _ in pairs(weak) do left = left + 1 end
      t.equal(left, 39 - i)
    end
  end
end)

t.finish()
