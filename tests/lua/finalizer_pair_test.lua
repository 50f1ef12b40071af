-- What threads meet at: each operation with each other operation of the same object done by a finalizer, at each place
-- where the first one lets the collector run. Afterwards nothing is lost, nothing is there twice, and nothing was raised but
-- that a finalizer cannot wait, or that the other operation has ended what is used.
local t = require "testing"
local pairs_of = require "finalizer_pairs"
local threading = require "gilua.threading"
local queue = require "gilua.queue"
local mp = require "gilua.multiprocessing"
local test, new_item = pairs_of.test, pairs_of.new_item

t.may_keep["shared mappings"] = 3 -- the memory that processes share is kept
t.may_keep.descriptors = 6
t.may_keep.threads = 6

-- Queues

local function queue_kind(make, extra)
  local kind = {
    make = function()
      local s = { q = make(), put = {}, got = {} }
      for _ = 1, 4 do -- a ring is full then
        local item = new_item()
        assert(s.q:put(item, false))
        s.put[item] = 1
      end
      return s
    end,
    put = function(s)
      local item = new_item()
      if s.q:put(item, false) then s.put[item] = (s.put[item] or 0) + 1 end
    end,
    get = function(s)
      local item = s.q:get(false)
      if item then s.got[item] = (s.got[item] or 0) + 1 end
    end,
    look = function(s) return s.q:qsize(), s.q:empty(), tostring(s.q) end,
    check = function(s)
      for _ = 1, 20 do
        local item = s.q:get(false)
        if item == nil then break end
        s.got[item] = (s.got[item] or 0) + 1
      end
      for item, n in pairs(s.put) do t.equal(s.got[item], n, "item " .. item) end
      for item in pairs(s.got) do t.equal(s.put[item], 1, "item " .. item) end
    end,
  }
  for name, f in pairs(extra or {}) do kind[name] = f end
  return kind
end

local ending = {
  done = function(s) s.q:task_done() end,
  join = function(s) s.q:join(0) end,
  shutdown = function(s) s.q:shutdown() end,
  iterate = function(s) s.items = s.q:items() end,
}

test("Queue", queue_kind(queue.Queue, ending))
test("LifoQueue", queue_kind(queue.LifoQueue, ending))
test("SimpleQueue", queue_kind(queue.SimpleQueue))
test("PriorityQueue", queue_kind(queue.PriorityQueue, ending))
test("PriorityQueue with a function that compares", queue_kind(function()
  return queue.PriorityQueue(0, function(a, b)
    local _ = { a, b }
    return a < b
  end)
end))
test("multiprocessing.Queue", queue_kind(mp.Queue, { close = nil }))
test("multiprocessing.SimpleQueue", queue_kind(function()
  local q = mp.SimpleQueue()
  return setmetatable({}, { __index = { -- its calls have no arguments
    put = function(_, item) return q:put(item) end,
    get = function() if not q:empty() then return q:get() end end,
    qsize = function() return q:empty() end, empty = function() return q:empty() end,
  } })
end))
test("multiprocessing.JoinableQueue", queue_kind(mp.JoinableQueue, { done = ending.done, join = ending.join }))

test("multiprocessing.Pipe", {
  make = function()
    local a, b = mp.Pipe()
    return { a = a, b = b, sent = {}, got = {} }
  end,
  send = function(s)
    local item = new_item()
    if s.a:send { item } then s.sent[item] = 1 end
  end,
  receive = function(s)
    local item = s.b:recv(0)
    if item then s.got[item[1]] = (s.got[item[1]] or 0) + 1 end
  end,
  poll = function(s) s.b:poll(0) end,
  look = function(s) return tostring(s.a), tostring(s.b) end,
  check = function(s)
    for _ = 1, 20 do
      local item = s.b:recv(0)
      if item == nil then break end
      s.got[item[1]] = (s.got[item[1]] or 0) + 1
    end
    for item, n in pairs(s.sent) do t.equal(s.got[item], n, "item " .. item) end
    for item in pairs(s.got) do t.equal(s.sent[item], 1, "item " .. item) end
    s.a:close()
    s.b:close()
  end,
})

-- Locks and what is like them

local function lock_kind(make)
  return {
    make = function() return { lock = make(), held = 0 } end,
    acquire = function(s)
      if s.lock:acquire(false) then s.held = s.held + 1 end
    end,
    release = function(s)
      if s.held > 0 then
        s.held = s.held - 1
        s.lock:release()
      end
    end,
    hold = function(s)
      local _ <close> = s.lock:hold()
      return { { {} } }
    end,
    with = function(s) return s.lock:with(function() return { {} } end) end,
    look = function(s) return s.lock:locked(), tostring(s.lock) end,
    check = function(s)
      t.equal(s.lock:locked(), s.held > 0)
      for _ = 1, s.held do s.lock:release() end
      t.equal(s.lock:locked(), false)
    end,
  }
end
test("Lock", lock_kind(threading.Lock))
test("RLock", lock_kind(threading.RLock))
test("multiprocessing.Lock", lock_kind(mp.Lock))
test("multiprocessing.RLock", lock_kind(mp.RLock))

local function semaphore_kind(make)
  return {
    make = function() return { sem = make(2), permits = 2 } end,
    acquire = function(s)
      if s.sem:acquire(false) then s.permits = s.permits - 1 end
    end,
    release = function(s) -- of what `with` has it may not
      if s.permits == 2 then return end
      s.permits = s.permits + 1
      s.sem:release()
    end,
    with = function(s) return s.sem:with(function() return { {} } end) end,
    look = function(s) return tostring(s.sem) end,
    check = function(s)
      while s.sem:acquire(false) do s.permits = s.permits - 1 end
      t.equal(s.permits, 0)
    end,
  }
end
test("Semaphore", semaphore_kind(threading.Semaphore))
test("BoundedSemaphore", semaphore_kind(threading.BoundedSemaphore))
test("multiprocessing.Semaphore", semaphore_kind(mp.Semaphore))
test("multiprocessing.BoundedSemaphore", semaphore_kind(mp.BoundedSemaphore))

local function condition_kind(make)
  local function inside(s, f)
    if not s.cond:acquire(false) then return end
    local fine, err = pcall(f)
    s.cond:release()
    if not fine then error(err, 0) end
  end
  return {
    make = function() return { cond = make() } end,
    wait = function(s) inside(s, function() s.cond:wait(0) end) end,
    wait_for = function(s) inside(s, function() s.cond:wait_for(function() return nil, {} end, 0) end) end,
    notify = function(s) inside(s, function() s.cond:notify() end) end,
    notify_all = function(s) inside(s, function() s.cond:notify_all() end) end,
    look = function(s) return tostring(s.cond) end,
    check = function(s)
      t.equal(s.cond:acquire(false), true)
      s.cond:release()
    end,
  }
end
test("Condition", condition_kind(threading.Condition))
test("multiprocessing.Condition", condition_kind(mp.Condition))

local function event_kind(make)
  return {
    make = function() return { event = make() } end,
    set = function(s) s.event:set() end,
    clear = function(s) s.event:clear() end,
    wait = function(s) s.event:wait(0) end,
    look = function(s) return s.event:is_set(), tostring(s.event) end,
    check = function(s)
      s.event:set()
      t.equal(s.event:wait(0), true)
    end,
  }
end
test("Event", event_kind(threading.Event))
test("multiprocessing.Event", event_kind(mp.Event))

local function barrier_kind(make)
  return {
    make = function() return { barrier = make(1, function() return { {} } end) } end,
    wait = function(s) s.barrier:wait(0) end,
    reset = function(s) s.barrier:reset() end,
    abort = function(s) s.barrier:abort() end,
    look = function(s) return s.barrier.n_waiting, s.barrier.broken, s.barrier.parties, tostring(s.barrier) end,
    check = function(s)
      s.barrier:reset()
      t.equal(s.barrier:wait(), 1)
    end,
  }
end
test("Barrier", barrier_kind(threading.Barrier))
test("multiprocessing.Barrier", barrier_kind(function(n) return mp.Barrier(n) end))

test("multiprocessing.Value", {
  make = function() return { value = mp.Value("i64", 0), sum = 0 } end,
  add = function(s)
    s.value:add(3)
    s.sum = s.sum + 3
  end,
  lock = function(s)
    local lock = s.value:get_lock()
    if lock:acquire(false) then lock:release() end
  end,
  look = function(s) return s.value.value, tostring(s.value) end,
  check = function(s) t.equal(s.value.value, s.sum) end,
})

test("Local", {
  make = function()
    local s = { here = threading.Local(), model = {} }
    for i = 1, 4 do s.here[i] = i end
    return s
  end,
  set = function(s)
    local item = new_item()
    s.here["k" .. item] = { item }
    s.model[item] = true
  end,
  clear = function(s) s.here[1] = nil end,
  get = function(s) t.equal(s.here[2], 2) end,
  walk = function(s) for _ in pairs(s.here) do local _ = {} end end,
  check = function(s)
    for item in pairs(s.model) do t.equal(s.here["k" .. item][1], item) end
    for i = 2, 4 do t.equal(s.here[i], i) end
  end,
})

-- Threads

local function thread_kind(make)
  return {
    make = function()
      local s = { calls = 0, started = 0 }
      s.thread = make(function(a)
        s.calls = s.calls + 1
        return { a }
      end)
      return s
    end,
    start = function(s)
      if pcall(s.thread.start, s.thread) then s.started = s.started + 1 end
    end,
    join = function(s) if s.thread:is_alive() then s.thread:join(0) end end,
    name = function(s) return s.thread.name end,
    rename = function(s) s.thread.name = "n" .. new_item() end,
    daemon = function(s) if s.started == 0 then pcall(function() s.thread.daemon = true end) end end,
    look = function(s) return s.thread.ident, s.thread.native_id, s.thread:is_alive(), tostring(s.thread) end,
    list = function() return #threading.enumerate() end,
    check = function(s)
      t.equal(s.started <= 1, true)
      if s.started == 0 then return end
      t.equal(s.thread:join(t.limit), true)
      t.equal(s.calls <= 1, true)
    end,
  }
end

local threads = thread_kind(function(f) return threading.Thread { target = f, args = { {} } } end)
threads.result = function(s) if s.started == 1 and not s.thread:is_alive() then s.thread:result() end end
test("Thread", threads)

local timers = thread_kind(function(f) return threading.Timer(0, f, { {} }) end)
timers.cancel = function(s) s.thread:cancel() end
test("Timer", timers)

t.finish()
