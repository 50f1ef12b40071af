-- Random programs whose finalizers use objects of every type amid operations of every type, also of the same object. Nothing is
-- lost or there twice, and nothing is raised but that a finalizer cannot wait. `finalizer_storm_test.lua SEED` repeats a run.
local t = require "testing"
local threading = require "gilua.threading"
local queue = require "gilua.queue"
local futures = require "gilua.futures"
local mp = require "gilua.multiprocessing"
local pickle = require "gilua.pickle"
local native = require "gilua.native"
local ctypes = require "gilua.ctypes"
local gil = require "gilua.gil"
local gilua = require "gilua"

t.may_keep["shared mappings"] = 2 -- the memory that processes share is kept
t.may_keep.descriptors = 4
t.may_keep.threads = 4

local seed = tonumber(arg[1]) or tonumber(os.getenv "TEST_RANDOM_SEED") or 1
print("# seed " .. seed)
math.randomseed(seed)

-- Only this thread keeps count, so that counting needs no lock; finalizers that run in workers do nothing.
local main = threading.get_ident()

-- What an operation gives, nothing if it could not be done in a finalizer.
local function attempt(depth, f, ...)
  local results = table.pack(pcall(f, ...))
  if results[1] then return table.unpack(results, 2, results.n) end
  local err = results[2]
  if depth > 0 and gilua.is_error(err, "invalid_state") and tostring(err):find("finalizer") then return nil, "forbidden" end
  if depth > 0 and tostring(err):find("inside its own comparison") then return nil, "forbidden" end -- get; docs/queue.md
  error(err, 0)
end

local serial = 0
local function next_item()
  serial = serial + 1
  return serial
end

-- Each kind: a table with op(depth), done any number of times, and check(), at the end. depth is 1 in a finalizer.

local function queues(make)
  local q, put, got = make(), {}, {}
  return {
    op = function(depth)
      if math.random(3) > 1 then
        local item = next_item()
        if attempt(depth, q.put, q, item, false) then put[item] = (put[item] or 0) + 1 end
      else
        local item = attempt(depth, q.get, q, false)
        if item then got[item] = (got[item] or 0) + 1 end
      end
    end,
    check = function()
      for item in q.get_nowait, q do got[item] = (got[item] or 0) + 1 end
      for item, n in pairs(put) do t.equal(got[item], n, "item " .. item) end
      for item in pairs(got) do t.equal(put[item], 1, "item " .. item) end
    end,
  }
end

local function priority()
  return queue.PriorityQueue(0, function(a, b)
    local _ = { a, b } -- allocates: finalizers may come
    return a < b
  end)
end

local function semaphores(make)
  local s, permits = make(0), 0
  return {
    op = function(depth)
      if math.random(2) == 1 then
        attempt(depth, s.release, s)
        permits = permits + 1
      elseif attempt(depth, s.acquire, s, false) then
        permits = permits - 1
      end
    end,
    check = function()
      while s:acquire(false) do permits = permits - 1 end
      t.equal(permits, 0)
    end,
  }
end

local function locks(make)
  local lock, inside = make(), 0
  return {
    op = function(depth)
      if not attempt(depth, lock.acquire, lock, false) then return end
      inside = inside + 1
      local _ = { {} }
      inside = inside - 1
      lock:release()
    end,
    check = function()
      t.equal(inside, 0)
      t.equal(lock:locked(), false)
    end,
  }
end

local function conditions()
  local cond, event = threading.Condition(), threading.Event()
  return {
    op = function(depth)
      if not attempt(depth, cond.acquire, cond, false) then return end
      cond:notify_all()
      attempt(depth, cond.wait, cond, 0)
      cond:release()
      event:set()
      t.equal(attempt(depth, event.wait, event, 0), true)
    end,
    check = function() t.equal(cond:locked(), false) end,
  }
end

local function locals()
  local here, model = threading.Local(), {}
  return {
    op = function()
      local item = next_item()
      here[item] = { item }
      here["k" .. item] = item
      t.equal(here[item][1], item)
      if math.random(3) == 1 then here[item] = nil
      else model[item] = true end
    end,
    check = function()
      for item in pairs(model) do
        t.equal(here[item][1], item)
        t.equal(here["k" .. item], item)
      end
    end,
  }
end

local function decided_futures()
  local made, called = {}, {}
  return {
    op = function()
      local f, item = futures.Future(), next_item()
      local m = { f = f, item = item } -- made before its place is looked for
      made[#made + 1] = m
      f:add_done_callback(function(done) called[item] = done:result() end)
      f:set_result(item, { item })
      f:add_done_callback(function(done) called[-item] = done:result() end)
    end,
    check = function()
      for _, m in ipairs(made) do
        local item, list = m.f:result()
        t.equal(item, m.item)
        t.equal(list[1], m.item)
        t.eventually(function() return called[item] == item and called[-item] == item end, "callbacks")
      end
    end,
  }
end

local function executors()
  local pool, made = futures.ThreadPoolExecutor { max_workers = 2 }, {}
  return {
    op = function(depth)
      local item = next_item()
      local f = attempt(depth, pool.submit, pool, function(a) return { a } end, item)
      local m = { f = f, item = item }
      if f then made[#made + 1] = m end
    end,
    check = function()
      for _, m in ipairs(made) do t.equal(m.f:result()[1], m.item) end
      pool:shutdown()
    end,
  }
end

local function pickles()
  return {
    op = function()
      local item = next_item()
      local value = { item, tostring(item), { x = { item } }, [item .. "k"] = true }
      value.self = value
      local copy = pickle.loads(pickle.dumps(value))
      t.equal(copy[1], item)
      t.equal(copy[2], tostring(item))
      t.equal(copy[3].x[1], item)
      t.equal(copy[item .. "k"], true)
      t.equal(copy.self, copy)
    end,
    check = function() end,
  }
end

local function buffers()
  local b, model = native.buffer("i64", 4), { 0, 0, 0, 0 }
  return {
    op = function(depth)
      local at, item = math.random(4), next_item()
      b[at] = item
      model[at] = item
      attempt(depth, native.sha256, b)
      local copy = native.buffer("i64", { item, item + 1 })
      t.equal(copy[2], item + 1)
      local text = native.decompress(native.compress(("x"):rep(item % 500)))
      t.equal(#text, item % 500)
      local p = ctypes.new("int", { item, 2 })
      t.equal(p[1], item)
    end,
    check = function()
      for i = 1, 4 do t.equal(b[i], model[i]) end
    end,
  }
end

local function threads()
  local made = {}
  return {
    op = function()
      if #made > 30 then return end
      local item = next_item()
      local m = { thread = threading.Thread { target = function(a) return { a } end, args = { item } }, item = item }
      made[#made + 1] = m
    end,
    check = function()
      for _, m in ipairs(made) do m.thread:start() end
      for _, m in ipairs(made) do t.equal(m.thread:result()[1], m.item) end
    end,
  }
end

local function shared_values()
  local value, sum = mp.Value("i64", 0), 0
  return {
    op = function()
      local n = math.random(9)
      sum = sum + n
      value:add(n)
    end,
    check = function() t.equal(value.value, sum) end,
  }
end

local function looks()
  return {
    op = function()
      t.equal(gil.stats().switches >= 0, true)
      t.equal(#threading.enumerate() >= 1, true)
      t.equal(type(tostring(threading.current_thread())), "string")
      local co = coroutine.wrap(function(a) coroutine.yield({ a }) end)
      t.equal(co(5)[1], 5)
    end,
    check = function() end,
  }
end

local makers = {
  function() return queues(queue.Queue) end, function() return queues(queue.LifoQueue) end,
  function() return queues(queue.SimpleQueue) end, function() return queues(priority) end,
  function() return queues(mp.Queue) end, function() return semaphores(threading.Semaphore) end,
  function() return semaphores(mp.Semaphore) end, function() return locks(threading.Lock) end,
  function() return locks(mp.Lock) end, conditions, locals, decided_futures, executors, pickles, buffers, threads,
  shared_values, looks,
}

local function program(steps)
  local kinds, failed = {}, nil
  for i, make in ipairs(makers) do kinds[i] = make() end
  local function leave_garbage(kind)
    setmetatable({}, { __gc = function()
      if failed or threading.get_ident() ~= main then return end
      local fine, err = pcall(kind.op, 1)
      if not fine then failed = err end
    end })
  end
  t.pause(0)
  t.pace(400)
  for _ = 1, steps do
    local kind = kinds[math.random(#kinds)]
    for _ = 1, math.random(4) do leave_garbage(math.random(2) == 1 and kind or kinds[math.random(#kinds)]) end
    for _ = 1, math.random(4) do kind.op(0) end
  end
  collectgarbage()
  t.pause(200)
  t.pace(100)
  if failed then error(failed, 0) end
  for _, kind in ipairs(kinds) do kind.check() end
end

t.test("what finalizers do amid operations of every type is done once, and what they disturb is done, too", function()
  for _ = 1, t.hostile and 2 or 6 do program(t.hostile and 150 or 1000) end
end)

t.finish()
