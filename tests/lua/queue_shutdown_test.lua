-- Queues of every type: task_done and join, shutdown, items (behaviours 55 and 56).
local t = require "testing"
local threading = require "gilua.threading"
local queue = require "gilua.queue"
local time = require "gilua.time"
local gil = require "gilua.gil"

local function is_refused(reason, value, why, ...)
  t.equal(value, nil)
  t.equal(why, reason)
  t.equal(select("#", ...), 0)
end

for _, kind in ipairs { "Queue", "LifoQueue", "PriorityQueue", "SimpleQueue" } do
  local new = queue[kind]

  t.test(kind .. ": task_done more often than put is an error (55)", function()
    local q = new()
    t.raises("task_done called more often than put", q.task_done, q)
    q:put(1)
    q:put(2)
    q:get()
    t.equal(select("#", q:task_done()), 0)
    q:task_done() -- counted, not matched with gets
    t.raises("task_done called more often than put", q.task_done, q)
    q:put(3)
    q:task_done()
    t.raises("task_done called more often than put", q.task_done, q)
  end)

  t.test(kind .. ": join waits until every item is done (55)", function()
    local q = new()
    t.equal(q:join(), true)
    t.equal(q:join(0), true)
    for i = 1, 3 do q:put(i) end
    t.equal(q:join(0), false)
    local joiners = t.start(3, function(i) return q:join(i == 2 and t.limit or nil) end)
    t.parked(joiners, "queue join")
    for _ = 1, 3 do
      q:get()
      t.parked(joiners, "queue join")
      q:task_done()
    end
    for _, joiner in ipairs(joiners) do t.equal(joiner:result(), true) end
    t.equal(q:join(), true)
  end)

  t.test(kind .. ": join that waits too long takes about its timeout, and can be cancelled", function()
    local q = new()
    q:put(1)
    local t0 = time.monotonic()
    t.equal(q:join(0.05), false)
    t.near(time.monotonic() - t0, 0.049, t.limit)
    local joiner = threading.start(q.join, q)
    t.parked(joiner, "queue join")
    joiner:cancel()
    t.raises_kind("cancelled", joiner.result, joiner)
    q:task_done()
    t.equal(q:join(), true)
  end)

  t.test(kind .. ": join by the producers of a pool of workers", function()
    local q, lock, done = new(), threading.Lock(), 0
    local workers = t.start(3, function()
      for _ in q:items() do
        lock:with(function() done = done + 1 end)
        q:task_done()
      end
    end)
    for round = 1, 5 do
      for i = 1, 20 do q:put(i) end
      q:join()
      t.equal(done, 20 * round)
    end
    q:shutdown()
    t.join(workers)
  end)

  t.test(kind .. " that is shut down refuses puts at once, and gives out what it has (56)", function()
    local q = new()
    for i = 1, 3 do q:put(i) end
    t.equal(select("#", q:shutdown()), 0)
    is_refused("shutdown", q:put(4))
    is_refused("shutdown", q:put(4, true, 10))
    is_refused("shutdown", q:put_nowait(4))
    t.equal(q:qsize(), 3)
    t.equal(q:get() + q:get(true, 10) + q:get_nowait(), 6)
    is_refused("shutdown", q:get())
    is_refused("shutdown", q:get(true, 10))
    is_refused("shutdown", q:get_nowait())
    for _ = 1, 3 do q:task_done() end
    t.equal(q:join(), true)
    q:shutdown()
    is_refused("shutdown", q:get())
  end)

  t.test(kind .. " that is shut down at once drops its items and ends joins (56)", function()
    local q = new()
    for i = 1, 5 do q:put(i) end
    q:get()
    local joiner = threading.start(q.join, q)
    t.parked(joiner, "queue join")
    q:shutdown(true)
    t.equal(q:qsize(), 0)
    t.equal(q:empty(), true)
    is_refused("shutdown", q:get())
    is_refused("shutdown", q:put(1))
    t.parked(joiner, "queue join") -- the one that was taken is still at work
    q:task_done()
    t.equal(joiner:result(), true)
    t.raises("task_done called more often than put", q.task_done, q)
    q:shutdown(true)
  end)

  t.test(kind .. " that is shut down in order, then at once, drops what was left", function()
    local q, weak = new(), setmetatable({}, { __mode = "v" })
    q:put(1)
    q:put(2)
    q:shutdown()
    t.equal(type(q:get()), "number")
    q:shutdown(true)
    is_refused("shutdown", q:get())
    q:task_done()
    t.equal(q:join(), true)
    q = new()
    weak[1] = setmetatable({}, { __lt = function() return false end })
    q:put(weak[1])
    q:shutdown(true)
    collectgarbage()
    t.equal(weak[1], nil)
  end)

  for _, immediate in ipairs { false, true } do
    t.test(kind .. ":shutdown(" .. tostring(immediate) .. ") wakes who waits for an item (56)", function()
      local q = new()
      local threads = t.start(4, function(i) return q:get(true, i % 2 == 0 and t.limit or nil) end)
      t.parked(threads, "queue")
      q:shutdown(immediate)
      for _, thread in ipairs(threads) do is_refused("shutdown", thread:result()) end
    end)

    if kind ~= "SimpleQueue" then
      t.test(kind .. ":shutdown(" .. tostring(immediate) .. ") wakes who waits for a place (56)", function()
        local q = new(1)
        q:put(0)
        local threads = t.start(4, function(i) return q:put(i, true, i % 2 == 0 and t.limit or nil) end)
        t.parked(threads, "queue")
        q:shutdown(immediate)
        for _, thread in ipairs(threads) do is_refused("shutdown", thread:result()) end
        t.equal(q:qsize(), immediate and 0 or 1)
        if not immediate then
          t.equal(q:get(), 0)
          q:task_done()
        end
        t.equal(q:join(), true)
      end)
    end
  end

  if kind ~= "SimpleQueue" then
    t.test(kind .. " is empty after shutdown(true), though a put had just been promised a place", function()
      local q = new(1)
      q:put(0)
      local putter = threading.start(q.put, q, 1)
      t.parked(putter, "queue")
      local old = gil.switch_interval(1) -- so that the putter does not run in between
      q:get()
      q:shutdown(true)
      gil.switch_interval(old)
      q:task_done()
      if t.hostile or gil.policy() == "seeded" then putter:join() -- it may have run in between all the same
      else is_refused("shutdown", putter:result()) end
      t.equal(q:qsize(), 0)
      t.equal(q:join(0), true)
    end)
  end

  t.test(kind .. ":shutdown(true) leaves an item to the getter that was promised it, or to nobody", function()
    local q = new()
    local getter = threading.start(q.get, q)
    t.parked(getter, "queue")
    local old = gil.switch_interval(1)
    q:put(1)
    q:shutdown(true)
    gil.switch_interval(old)
    local item, why = getter:result()
    t.equal(item or why, item and 1 or "shutdown")
    if item then q:task_done() end
    t.equal(q:qsize(), 0)
    t.equal(q:join(0), true)
  end)

  t.test(kind .. ":items() gives items until the queue is shut down", function()
    local q, got = new(), {}
    local reader = threading.start(function()
      for item in q:items() do got[#got + 1] = item end
      return "ended"
    end)
    for i = 1, 20 do
      q:put(i)
      if i % 5 == 0 then t.parked(reader, "queue") end
    end
    q:shutdown()
    t.equal(reader:result(), "ended")
    table.sort(got)
    t.equal(#got, 20)
    for i = 1, 20 do t.equal(got[i], i) end
    for _ in q:items() do error("no more items") end
  end)

  t.test(kind .. ":items() may be left, gone on with, and shared", function()
    local q, lock, sum, count = new(), threading.Lock(), 0, 0
    for i = 1, 5 do q:put(i) end
    for item in q:items() do
      sum = sum + item
      break
    end
    local next_item, state = q:items()
    sum = sum + next_item(state)
    for i = 6, 100 do q:put(i) end
    local readers = t.start(4, function()
      for item in q:items() do
        lock:with(function() sum, count = sum + item, count + 1 end)
      end
    end)
    q:shutdown()
    t.join(readers)
    t.equal(sum, 5050)
    t.equal(count, 98)
  end)

  t.test(kind .. ":items() can be cancelled while it waits", function()
    local q = new()
    local reader = threading.start(function()
      for _ in q:items() do error("no items") end
    end)
    t.parked(reader, "queue")
    reader:cancel()
    t.raises_kind("cancelled", reader.result, reader)
    q:put(1)
    t.equal(q:qsize(), 1)
  end)
end

t.test("items() goes on after an item that is false", function()
  for _, kind in ipairs { "Queue", "LifoQueue", "SimpleQueue" } do
    local q, got = queue[kind](), {}
    for _, item in ipairs { false, true, false } do q:put(item) end
    q:shutdown()
    for item in q:items() do got[#got + 1] = tostring(item) end
    t.equal(table.concat(got, " "), "false true false")
  end
end)

t.test("shutdown among busy threads loses nothing and keeps nobody, whatever the switch interval", function()
  t.at_intervals(function()
    for _, immediate in ipairs { false, true } do
      local q, lock, put, got = queue.Queue(4), threading.Lock(), 0, 0
      local putters = t.start(4, function()
        while q:put(1) do
          lock:with(function() put = put + 1 end)
        end
      end)
      local getters = t.start(4, function()
        for _ in q:items() do
          lock:with(function() got = got + 1 end)
          q:task_done()
          if t.chosen and got > 50 then q:shutdown(immediate) end -- main need not come to run while these can
        end
      end)
      t.eventually(function() return got > 50 end, "some items to pass")
      q:shutdown(immediate)
      t.join(putters)
      t.join(getters)
      t.near(got, immediate and put - 4 or put, put)
      is_refused("shutdown", q:get())
      t.equal(q:join(t.limit), true)
    end
  end)
end)

t.finish()
