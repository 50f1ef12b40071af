-- Queue, LifoQueue and SimpleQueue: putting and getting (behaviours 54 and 58). Shutdown and join are in
-- queue_shutdown_test.lua, stress in queue_stress_test.lua.
local t = require "testing"
local threading = require "gilua.threading"
local queue = require "gilua.queue"
local time = require "gilua.time"

local function is_refused(reason, value, why, ...)
  t.equal(value, nil)
  t.equal(why, reason)
  t.equal(select("#", ...), 0)
end

local function drain(q)
  local items = {}
  for item in q.get_nowait, q do items[#items + 1] = item end
  return table.concat(items, " ")
end

for _, kind in ipairs { "Queue", "LifoQueue", "SimpleQueue" } do
  local new = queue[kind]

  t.test(kind .. " gives back what was put, in its order", function()
    local q = new()
    for i = 1, 5 do t.equal(q:put(i), true) end
    t.equal(q:qsize(), 5)
    t.equal(drain(q), kind == "LifoQueue" and "5 4 3 2 1" or "1 2 3 4 5")
    for i = 1, 3 do t.equal(q:put_nowait(i), true) end
    t.equal(q:get(), kind == "LifoQueue" and 3 or 1)
    q:put(4)
    t.equal(drain(q), kind == "LifoQueue" and "4 2 1" or "2 3 4")
  end)

  t.test(kind .. " takes any value but nil", function()
    local q, f, co = new(), print, coroutine.create(print)
    for _, item in ipairs { false, true, 0, -0.0, "", "x", {}, f, co, io.stdout, q } do
      q:put(item)
      local got = q:get()
      t.equal(rawequal(got, item), true, tostring(item))
      t.equal(math.type(got), math.type(item))
    end
    q:put(0 / 0)
    t.equal(tostring(q:get()):find("nan") ~= nil, true)
    t.raises("value other than nil expected", q.put, q, nil)
    t.raises("value other than nil expected", q.put, q)
    t.raises("value other than nil expected", q.put_nowait, q)
    t.equal(q:qsize(), 0)
    for _ = 1, 12 do q:task_done() end -- refused puts do not count
    t.raises("task_done called more often than put", q.task_done, q)
  end)

  t.test(kind .. " that is empty refuses a get that does not wait (54)", function()
    local q = new()
    is_refused("empty", q:get_nowait())
    is_refused("empty", q:get(false))
    is_refused("empty", q:get(true, 0))
    is_refused("empty", q:get(false, 100))
    t.equal(q:empty(), true)
    q:put(1)
    t.equal(q:empty(), false)
    t.equal(q:get(false), 1)
    t.equal(q:empty(), true)
  end)

  t.test(kind .. ": a get that waits too long takes about its timeout (54)", function()
    local q = new()
    local t0 = time.monotonic()
    is_refused("timeout", q:get(true, 0.05))
    t.near(time.monotonic() - t0, 0.049, t.limit)
    q:put(1)
    t.equal(q:qsize(), 1) -- the one that gave up does not count any more
    t.equal(q:get(nil, 1), 1)
  end)

  t.test(kind .. ": a get waits for a put (54)", function()
    local q = new()
    for _, timeout in ipairs { t.limit, false } do
      local getter = threading.start(q.get, q, true, timeout or nil)
      t.parked(getter, "queue")
      q:put("item")
      t.equal(getter:result(), "item")
    end
  end)

  t.test(kind .. ": getters get their items in the order they came, and none is passed", function()
    local q, threads = new(), {}
    for i = 1, 5 do
      threads[i] = threading.start(q.get, q)
      t.parked(threads[i], "queue")
    end
    for i = 1, 5 do
      q:put(i)
      is_refused("empty", q:get_nowait()) -- it is for who waits
      t.equal(q:qsize(), 0)
      t.equal(threads[i]:result(), i)
    end
  end)

  t.test(kind .. ": 10 waiters and 100 pushes: nobody misses (58)", function()
    t.at_intervals(function()
      local q, lock, seen = new(), threading.Lock(), {}
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
      t.equal(q:qsize(), 0)
    end)
  end)

  t.test(kind .. ": a cancelled getter takes no item with it", function()
    local q = new()
    local first, second = threading.start(q.get, q), nil
    t.parked(first, "queue")
    second = threading.start(q.get, q)
    t.parked(second, "queue")
    first:cancel()
    t.raises_kind("cancelled", first.result, first)
    q:put(1)
    t.equal(second:result(), 1)
    q:put(2)
    t.equal(drain(q), "2")
  end)

  t.test(kind .. " lets go of an item as soon as it is taken", function()
    local q, weak = new(), setmetatable({}, { __mode = "v" })
    for i = 1, 40 do
      weak[i] = { i }
      q:put(weak[i])
    end
    collectgarbage()
    for i = 1, 40 do t.equal(weak[i] ~= nil, true) end
    for i = 1, 39 do q:get() end
    collectgarbage()
    local left
    for i = 1, 40 do
      if weak[i] then
        t.equal(left, nil)
        left = i
      end
    end
    t.equal(q:get()[1], left)
    collectgarbage()
    t.equal(next(weak), nil)
  end)

  t.test(kind .. " is collected with its items", function()
    local weak = setmetatable({ q = new(), item = {} }, { __mode = "v" })
    weak.q:put(weak.item)
    weak.q:put(weak.q)
    collectgarbage()
    t.equal(next(weak), nil)
  end)

  if kind ~= "SimpleQueue" then
    t.test(kind .. " with a bound refuses a put that does not wait, or waits too long (54)", function()
      local q = new(2)
      t.equal(q:full(), false)
      q:put("a")
      t.equal(q:full(), false)
      q:put("b")
      t.equal(q:full(), true)
      is_refused("full", q:put_nowait("c"))
      is_refused("full", q:put("c", false))
      is_refused("full", q:put("c", true, 0))
      is_refused("full", q:put("c", false, 100))
      local t0 = time.monotonic()
      is_refused("timeout", q:put("c", true, 0.05))
      t.near(time.monotonic() - t0, 0.049, t.limit)
      t.equal(q:qsize(), 2)
      q:get()
      t.equal(q:put("c"), true)
      t.equal(q:qsize(), 2)
    end)

    t.test(kind .. " with a bound: a put waits for a get (54)", function()
      local q = new(1)
      for _, timeout in ipairs { t.limit, false } do
        q:put("first")
        local putter = threading.start(q.put, q, "second", true, timeout or nil)
        t.parked(putter, "queue")
        t.equal(q:get(), "first")
        t.equal(putter:result(), true)
        t.equal(q:get(), "second")
      end
    end)

    t.test(kind .. " with a bound: putters are let in in the order they came, and none is passed", function()
      local q, threads = new(1), {}
      q:put(0)
      for i = 1, 5 do
        threads[i] = threading.start(q.put, q, i)
        t.parked(threads[i], "queue")
      end
      for i = 1, 5 do
        t.equal(q:get(), i - 1)
        is_refused("full", q:put_nowait("mine")) -- the place is for who waits
        t.equal(threads[i]:result(), true)
      end
      t.equal(drain(q), "5")
    end)

    t.test(kind .. " with a bound: a cancelled putter leaves nothing behind", function()
      local q = new(1)
      q:put(0)
      local first, second = threading.start(q.put, q, 1), nil
      t.parked(first, "queue")
      second = threading.start(q.put, q, 2)
      t.parked(second, "queue")
      first:cancel()
      t.raises_kind("cancelled", first.result, first)
      t.equal(q:get(), 0)
      t.equal(second:result(), true)
      t.equal(drain(q), "2")
      t.equal(q:full(), false)
    end)

    t.test(kind .. " without a bound, or one below 1, is never full", function()
      for _, maxsize in ipairs { 0, -1, math.mininteger, false } do
        local q = new(maxsize or nil)
        for i = 1, 100 do t.equal(q:put_nowait(i), true) end
        t.equal(q:full(), false)
        t.equal(q:qsize(), 100)
      end
    end)

    t.test(kind .. " takes a bound that is an integer", function()
      t.raises("integer representation", new, 1.5)
      t.raises("number expected", new, {})
      local q = new(math.maxinteger)
      q:put(1)
      t.equal(q:full(), false)
    end)
  end
end

t.test("a SimpleQueue has no bound", function()
  local q = queue.SimpleQueue()
  for i = 1, 10 do t.equal(q:put_nowait(i), true) end
  t.equal(q:full(), false)
end)

t.test("a bound holds whatever the switch interval", function()
  t.at_intervals(function()
    local q, most = queue.Queue(3), 0
    local putters = t.start(4, function()
      for i = 1, 50 do q:put(i) end
    end)
    local getters = t.start(2, function()
      for _ = 1, 100 do
        most = math.max(most, q:qsize())
        q:get()
      end
    end)
    t.join(putters)
    t.join(getters)
    t.near(most, 0, 3)
    t.equal(q:qsize(), 0)
  end)
end)

t.finish()
