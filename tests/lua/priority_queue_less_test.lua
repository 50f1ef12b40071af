-- PriorityQueue: comparisons that fail, that let other threads in, that use the queue (behaviour 54).
local t = require "testing"
local threading = require "gilua.threading"
local queue = require "gilua.queue"
local time = require "gilua.time"

local seed = tonumber(arg[1]) or tonumber(os.getenv "TEST_RANDOM_SEED") or 1
print("# seed " .. seed)
math.randomseed(seed)

local function drain(q)
  local items = {}
  for item in q.get_nowait, q do items[#items + 1] = tostring(item) end
  return table.concat(items, " ")
end

t.test("an error in the comparison of a put comes out of it and leaves the queue as it was (54)", function()
  local q = queue.PriorityQueue()
  for i = 1, 5 do q:put(2 * i) end
  t.raises("attempt to compare", q.put, q, "a string")
  t.raises("attempt to compare", q.put, q, {})
  t.raises("attempt to compare", q.put_nowait, q, false)
  t.equal(q:qsize(), 5)
  q:put(5)
  t.equal(drain(q), "2 4 5 6 8 10")
  for _ = 1, 6 do q:task_done() end
  t.raises("task_done", q.task_done, q) -- the refused ones do not count
end)

t.test("an error in the comparison of a get comes out of it and leaves the queue as it was (54)", function()
  local fails = false
  local q = queue.PriorityQueue(0, function(a, b)
    if fails then error({ "own error" }) end
    return a < b
  end)
  for i = 9, 1, -1 do q:put(i) end
  fails = true
  local ok, err = pcall(q.get, q)
  t.equal(ok, false)
  t.equal(err[1], "own error")
  t.equal(pcall(q.get_nowait, q), false)
  t.equal(pcall(q.get, q, true, 1), false)
  t.equal(q:qsize(), 9)
  fails = false
  t.equal(drain(q), "1 2 3 4 5 6 7 8 9")
end)

t.test("what a finalizer puts amid a comparison is there after it, in order, and counted as put", function()
  local less, collects = 0, true
  local q = queue.PriorityQueue(0, function(a, b)
    less = less + 1
    if collects then collectgarbage() end
    return a < b
  end)
  local put, want = 0, {}
  local function put_at_collection(item)
    setmetatable({}, { __gc = function()
      if q:put(item) then put = put + 1 end
    end })
    want[#want + 1] = item
  end
  q:put(0)
  want[#want + 1] = 0
  for i = 1, 60 do
    put_at_collection(math.random(100))
    want[#want + 1] = i
    q:put(i)
  end
  t.equal(put, 60)
  t.equal(q:qsize(), 121)
  put_at_collection(3)
  table.sort(want)
  local got = { q:get() }
  collects = false
  for item in q.get_nowait, q do got[#got + 1] = item end
  t.equal(table.concat(got, " "), table.concat(want, " "))
  for _ = 1, 122 do q:task_done() end
  t.equal(q:join(0), true)
end)

t.test("a bound holds for what finalizers put amid a comparison, and an item that cannot be compared leaves its place free", function()
  local refused, got = nil, {}
  local q = queue.PriorityQueue(3, function(a, b)
    collectgarbage()
    return a < b
  end)
  q:put(1)
  for _, item in ipairs { 5, 6 } do
    setmetatable({}, { __gc = function()
      local fine, why = q:put(item, false)
      if not fine then refused = why end
    end })
  end
  q:put(2)
  t.equal(refused, "full")
  t.equal(q:qsize(), 3)
  setmetatable({}, { __gc = function() q:put({}, false) end })
  got[1] = q:get()
  t.equal(got[1], 1)
  t.equal(q:qsize(), 2)
  q:task_done()
  t.equal(q:put(9, false), true) -- its place is free again
end)

t.test("whichever comparison fails, the queue stays as it was (54)", function()
  local left, list = math.huge, {}
  local q = queue.PriorityQueue(0, function(a, b)
    left = left - 1
    if left < 0 then error("enough") end
    return a < b
  end)
  for i = 1, 300 do
    local item = math.random(50)
    left = math.random(0, 6)
    if pcall(q.put, q, item) then list[#list + 1] = item end
    left = math.random(0, 12)
    if i % 3 == 0 then
      table.sort(list)
      local ok, got = pcall(q.get_nowait, q)
      if ok then t.equal(got, table.remove(list, 1)) end
    end
    t.equal(q:qsize(), #list)
  end
  left = math.huge
  table.sort(list)
  t.equal(drain(q), table.concat(list, " "))
end)

t.test("a put that fails leaves its place to the next who waits for one", function()
  local q = queue.PriorityQueue(1)
  q:put("a string")
  q:get()
  q:put(1)
  local bad, good = threading.start(pcall, q.put, q, "bad"), nil
  t.parked(bad, "queue")
  good = threading.start(q.put, q, 2)
  t.parked(good, "queue")
  t.equal(q:get(), 1)
  t.equal(bad:result(), true) -- nothing to compare with
  t.equal(q:get(), "bad")
  t.equal(good:result(), true)
  q = queue.PriorityQueue(2)
  q:put(1)
  q:put(2)
  bad = threading.start(pcall, q.put, q, "bad")
  t.parked(bad, "queue")
  good = threading.start(q.put, q, 3)
  t.parked(good, "queue")
  t.equal(q:get(), 1)
  t.equal(bad:result(), false)
  t.equal(good:result(), true)
  t.equal(drain(q), "2 3")
end)

t.test("a get that fails leaves its item to the next who waits for one", function()
  local fails, q = true, nil
  q = queue.PriorityQueue(0, function(a, b)
    if fails and threading.current_thread().name == "bad" then error("refused") end
    return a < b
  end)
  local bad = threading.Thread { target = pcall, args = { q.get, q }, name = "bad" }:start()
  t.parked(bad, "queue")
  local good = threading.start(q.get, q)
  t.parked(good, "queue")
  local old = require("gilua.gil").switch_interval(1) -- so that three items are there when a getter runs
  q:put(1)
  q:put(2)
  q:put(3)
  require("gilua.gil").switch_interval(old)
  local ok, got = bad:result()
  local items = { good:result(), ok and got or nil }
  for item in q.get_nowait, q do items[#items + 1] = item end
  table.sort(items)
  t.equal(table.concat(items, " "), "1 2 3")
end)

t.test("the comparison may use neither put, get nor shutdown of its queue, and all of another", function()
  local q, other, result = nil, queue.PriorityQueue(), nil
  local use
  q = queue.PriorityQueue(0, function(a, b)
    if use then use() end
    return a < b
  end)
  q:put(1)
  for _, method in ipairs { "put", "put_nowait", "get", "get_nowait", "shutdown" } do
    local item = method:match("^put") and 5 or nil
    use = function() q[method](q, item) end
    t.raises("own comparison", q.put, q, 2)
    t.equal(q:qsize(), 1)
    use = function() coroutine.wrap(function() q[method](q, item) end)() end
    t.raises("own comparison", q.put, q, 2)
  end
  use = function()
    other:put(2)
    other:put(1)
    result = other:get() + q:qsize() + (q:empty() and 100 or 0) + (q:full() and 100 or 0)
  end
  q:put(2)
  t.equal(result, 2)
  use = nil
  t.equal(drain(q), "1 2")
end)

t.test("a comparison cannot yield its coroutine", function()
  local q = queue.PriorityQueue(0, function(a, b)
    coroutine.yield()
    return a < b
  end)
  q:put(1)
  local co = coroutine.create(function() q:put(2) end)
  local ok, err = coroutine.resume(co)
  t.equal(ok, false)
  t.equal(tostring(err):find("yield") ~= nil, true, tostring(err))
  t.equal(q:qsize(), 1)
end)

t.test("a comparison that makes no sense harms nobody", function()
  local q, seen, count = queue.PriorityQueue(0, function() return math.random(2) == 1 end), {}, 0
  for i = 1, 500 do q:put(i) end
  for item in q.get_nowait, q do
    t.equal(seen[item], nil)
    seen[item] = true
    count = count + 1
  end
  t.equal(count, 500)
end)

local function spin() for _ = 1, 50 do end end

for name, pause in pairs { sleeps = function() time.sleep(0) end, spins = spin } do
  t.test("a comparison that " .. name .. " lets other threads in, and nothing is lost", function()
    t.at_intervals(function()
      local q = queue.PriorityQueue(8, function(a, b)
        pause()
        return a < b
      end)
      local producers = t.start(4, function(i)
        for k = 1, 40 do q:put((k - 1) * 4 + i) end
      end)
      local consumers = t.start(4, function()
        local mine = {}
        for item in q:items() do mine[#mine + 1] = item end
        return mine
      end)
      t.join(producers)
      q:shutdown()
      t.join(consumers)
      local all = {}
      for _, consumer in ipairs(consumers) do
        for _, item in ipairs(consumer:result()) do all[#all + 1] = item end
      end
      table.sort(all)
      t.equal(#all, 160)
      for i = 1, 160 do t.equal(all[i], i) end
    end)
  end)
end

t.test("while a comparison waits, others wait for it and then see the queue in order", function()
  local go = threading.Event()
  local q = queue.PriorityQueue(0, function(a, b)
    if threading.current_thread().name == "slow" then go:wait() end
    return a < b
  end)
  q:put(2)
  local slow = threading.Thread { target = q.put, args = { q, 1 }, name = "slow" }:start()
  t.parked(slow, "event")
  local getter, putter = threading.start(q.get, q), threading.start(q.put, q, 3)
  t.parked { getter, putter }
  t.equal(q:qsize() <= 1, true)
  go:set()
  t.equal(slow:result(), true)
  t.equal(putter:result(), true)
  t.equal(getter:result(), 1)
  t.equal(drain(q), "2 3")
end)

t.test("a thread that is cancelled in a comparison leaves the queue as it was", function()
  local q = queue.PriorityQueue(0, function(a, b)
    if threading.current_thread().name == "slow" then time.sleep(1e6) end
    return a < b
  end)
  for i = 1, 5 do q:put(i) end
  for target, args in pairs { [q.get] = { q }, [q.put] = { q, 0 } } do
    local slow = threading.Thread { target = target, args = args, name = "slow" }:start()
    t.parked(slow, "sleep")
    local other = threading.start(q.put, q, 6)
    t.parked(other)
    slow:cancel()
    t.raises_kind("cancelled", slow.result, slow)
    t.equal(other:result(), true)
  end
  t.equal(drain(q), "1 2 3 4 5 6 6")
end)

t.test("a thread that waits for another's comparison can be cancelled, and keeps to its time", function()
  local go, ended = threading.Event(), {}
  local q = queue.PriorityQueue(0, function(a, b)
    if threading.current_thread().name == "slow" then go:wait() end
    return a < b
  end)
  q:put(2)
  q:put(3)
  local slow = threading.Thread { target = q.put, args = { q, 1 }, name = "slow" }:start()
  t.parked(slow, "event")
  local cancelled, timed = threading.start(q.get, q), threading.start(q.get, q, true, 0.01)
  t.parked(cancelled)
  cancelled:cancel()
  ended.cancelled, ended.timed = cancelled:join(t.limit), timed:join(t.limit)
  go:set()
  t.join { slow, timed }
  t.equal(ended.cancelled, true, "the cancelled one ended")
  t.equal(ended.timed, true, "the timed one ended")
  t.raises_kind("cancelled", cancelled.result, cancelled)
  t.equal(select(2, timed:result()), "timeout")
  t.equal(drain(q), "1 2 3")
end)

t.test("shutdown during a comparison lets it end, and refuses who comes after", function()
  for _, immediate in ipairs { false, true } do
    local go = threading.Event()
    local q = queue.PriorityQueue(0, function(a, b)
      if threading.current_thread().name == "slow" then go:wait() end
      return a < b
    end)
    for _, item in ipairs { 1, 3, 5 } do q:put(item) end
    local slow = threading.Thread { target = q.get, args = { q }, name = "slow" }:start()
    t.parked(slow, "event")
    local closer = threading.start(q.shutdown, q, immediate)
    go:set()
    t.equal(slow:result(), 1)
    closer:result()
    t.equal(select(2, q:put(2)), "shutdown")
    t.equal(drain(q), immediate and "" or "3 5")
    for _ = 1, immediate and 1 or 3 do q:task_done() end
    t.equal(q:join(0), true)
  end
end)

t.finish()
