-- Faults in finalizers, where nothing may wait, and releases of what is free. Wrong arguments are in
-- fault_arguments_test.lua, refusals of the system in fault_limits_test.lua.
local t = require "testing"
local gilua = require "gilua"
local threading = require "gilua.threading"
local queue = require "gilua.queue"
local time = require "gilua.time"

-- Runs f in a finalizer of the calling thread and returns what pcall says of it.
local function in_finalizer(f)
  local results
  setmetatable({}, { __gc = function() results = table.pack(pcall(f)) end })
  while not results do collectgarbage() end
  return table.unpack(results, 1, results.n)
end

-- Calls body(things), where nothing of what it is given can be had without waiting, and frees them afterwards.
local function with_busy_things(body)
  local done, ready = threading.Event(), threading.Event()
  local things = {
    lock = threading.Lock(), rlock = threading.RLock(), cond = threading.Condition(), event = threading.Event(),
    sem = threading.Semaphore(0), barrier = threading.Barrier(2), empty = queue.Queue(), full = queue.LifoQueue(1),
    priority = queue.PriorityQueue(),
  }
  things.holder = threading.start(function()
    things.lock:acquire()
    things.rlock:acquire()
    ready:set()
    done:wait()
    things.rlock:release()
  end)
  things.full:put(1)
  ready:wait()
  local ok, err = pcall(body, things)
  done:set()
  t.join { things.holder }
  if not ok then error(err, 0) end
end

local waits = {
  ["acquire of a Lock"] = function(x) return x.lock:acquire() end,
  ["timed acquire of a Lock"] = function(x) return x.lock:acquire(true, 10) end,
  ["hold of a Lock"] = function(x)
    local _ <close> = x.lock:hold()
    return "inside"
  end,
  ["with of a Lock"] = function(x) return x.lock:with(function() return "inside" end) end,
  ["acquire of an RLock"] = function(x) return x.rlock:acquire() end,
  ["hold of an RLock"] = function(x) return x.rlock:hold() end,
  ["with of an RLock"] = function(x) return x.rlock:with(function() return "inside" end) end,
  ["acquire of a Semaphore"] = function(x) return x.sem:acquire() end,
  ["hold of a Semaphore"] = function(x) return x.sem:hold() end,
  ["with of a Semaphore"] = function(x) return x.sem:with(function() return "inside" end) end,
  ["wait for an Event"] = function(x) return x.event:wait() end,
  ["timed wait for an Event"] = function(x) return x.event:wait(10) end,
  ["wait at a Barrier"] = function(x) return x.barrier:wait() end,
  ["wait for a Condition"] = function(x)
    local _ <close> = x.cond:hold()
    return x.cond:wait()
  end,
  ["wait_for of a Condition"] = function(x)
    local _ <close> = x.cond:hold()
    return x.cond:wait_for(function() return false end, 10)
  end,
  ["get from an empty Queue"] = function(x) return x.empty:get() end,
  ["timed get from an empty Queue"] = function(x) return x.empty:get(true, 10) end,
  ["items of an empty Queue"] = function(x) for _ in x.empty:items() do end end,
  ["get from an empty PriorityQueue"] = function(x) return x.priority:get() end,
  ["put into a full LifoQueue"] = function(x) return x.full:put(2) end,
  ["join of a Queue"] = function(x) return x.full:join() end,
  ["join of a thread"] = function(x) return x.holder:join() end,
  ["timed join of a thread"] = function(x) return x.holder:join(10) end,
  ["result of a thread"] = function(x) return x.holder:result() end,
  sleep = function() return time.sleep(0.001) end,
}

for name, wait in pairs(waits) do
  t.test(name .. " in a finalizer raises invalid_state, and all goes on", function()
    with_busy_things(function(x)
      local ok, err = in_finalizer(function() return wait(x) end)
      if ok then error("it returned " .. tostring(err)) end
      t.equal(gilua.is_error(err, "invalid_state"), true, tostring(err))
      t.equal(err.message:find("finalizer") ~= nil, true, err.message)
      t.equal(x.lock:locked(), true)
      t.equal(x.cond:locked(), false)
      t.equal(x.barrier.n_waiting, 0)
      t.equal(x.barrier.broken, false)
      t.equal(x.full:qsize(), 1)
      t.equal(math.type(collectgarbage("count")), "float")
    end)
  end)

  t.test(name .. " in a finalizer raises invalid_state though a cancel is pending", function()
    with_busy_things(function(x)
      local ok, err
      local thread = threading.start(in_finalizer, function()
        threading.current_thread():cancel() -- is raised when the finalizer has ended
        ok, err = pcall(wait, x)
      end)
      t.raises_kind("cancelled", thread.result, thread)
      if ok then error("it returned " .. tostring(err)) end
      t.equal(gilua.is_error(err, "invalid_state"), true, tostring(err))
      t.equal(x.lock:locked(), true)
      t.equal(x.cond:locked(), false)
    end)
  end)
end

t.test("what need not wait works in a finalizer", function()
  with_busy_things(function(x)
    local free, q = threading.Lock(), queue.Queue()
    local ok, err = in_finalizer(function()
      t.equal(x.lock:acquire(false), false)
      t.equal(x.rlock:acquire(true, 0), false)
      t.equal(x.event:wait(0), false)
      t.equal(select(2, x.empty:get_nowait()), "empty")
      t.equal(select(2, x.full:put(1, false)), "full")
      t.equal(x.holder:join(0), false)
      t.equal(free:acquire(), true)
      t.equal(free:locked(), true)
      free:release()
      for _, new in ipairs { threading.Lock, threading.RLock, threading.Condition, threading.Semaphore } do
        local mutex = new()
        local _ <close> = mutex:hold()
        t.equal(mutex:acquire(false), new == threading.RLock or new == threading.Condition)
      end
      t.equal(q:put(1), true)
      t.equal(q:get(), 1)
      t.equal(threading.Barrier(1):wait(), 1)
      return "all"
    end)
    t.equal(err, "all")
    t.equal(ok, true)
    t.equal(free:locked(), false)
  end)
end)

t.test("a finalizer may wake threads that wait", function()
  local event, sem, q, lock = threading.Event(), threading.Semaphore(0), queue.Queue(), threading.Lock()
  lock:acquire()
  local threads = {
    threading.start(event.wait, event), threading.start(sem.acquire, sem), threading.start(q.get, q),
    threading.start(lock.acquire, lock),
  }
  t.parked(threads)
  t.equal(in_finalizer(function()
    event:set()
    sem:release()
    q:put("item")
    lock:release()
  end), true)
  t.join(threads)
  t.equal(threads[3]:result(), "item")
end)

t.test("a finalizer that wants the lock that its own thread holds raises instead of waiting for ever", function()
  local lock = threading.Lock()
  local _ <close> = lock:hold()
  local ok, err = in_finalizer(function() lock:acquire() end)
  t.equal(ok, false)
  t.equal(gilua.is_error(err, "invalid_state"), true)
  local rlock = threading.RLock()
  local _ <close> = rlock:hold()
  t.equal(in_finalizer(function() rlock:with(type, 1) end), true)
end)

t.test("a Condition that others want is held again after a wait that a finalizer may not make", function()
  for _, lock in ipairs { threading.Lock(), threading.RLock() } do
    local cond, inside = threading.Condition(lock), false
    cond:acquire()
    local other = threading.start(function()
      local _ <close> = cond:hold()
      inside = true
    end)
    t.parked(other)
    local ok, err = in_finalizer(function() cond:wait() end)
    t.equal(ok, false)
    t.equal(gilua.is_error(err, "invalid_state"), true, tostring(err))
    time.sleep(0.001)
    t.equal(inside, false)
    cond:release()
    t.join { other }
    t.equal(cond:locked(), false)
  end
end)

t.test("a function is not a finalizer because it is called __gc", function()
  local meta = { __gc = function() time.sleep(0) return "slept" end }
  for _, mode in ipairs { "restart", "stop" } do
    collectgarbage(mode)
    local ok, result = pcall(function() return (meta.__gc()) end)
    collectgarbage("restart")
    t.equal(result, "slept", mode)
    t.equal(ok, true)
  end
end)

t.test("nobody else runs while a finalizer does", function()
  local n, stopped, before, after = 0, false, nil, nil
  local threads = t.start(2, function()
    while not stopped do n = n + 1 end
  end)
  t.eventually(function() return n > 0 end, "the others to run")
  in_finalizer(function()
    local deadline = time.monotonic() + 0.05
    before = n
    while time.monotonic() < deadline do end
    after = n
  end)
  stopped = true
  t.join(threads)
  t.equal(after, before)
end)

t.test("errors in finalizers, and waits in them, are warnings, and the program goes on", function()
  local text, status = t.run { "-W", "-e", [[
    local threading, time = require "gilua.threading", require "gilua.time"
    local lock = threading.Lock()
    lock:acquire()
    local function finalize(f) setmetatable({}, { __gc = f }) collectgarbage() end
    finalize(function() error("own error") end)
    finalize(function() lock:acquire() end)
    finalize(function() time.sleep(1) end)
    local thread = threading.start(function()
      finalize(function() error("in a thread") end)
      return "ended"
    end)
    print(thread:result(), collectgarbage("count") > 0)
  ]] }
  t.equal(status, 0)
  t.equal(text:find("ended\ttrue\n", 1, true) ~= nil, true, text)
  local _, warnings = text:gsub("Lua warning: error in __gc", "")
  t.equal(warnings, 4, text)
  t.equal(text:find("own error", 1, true) ~= nil, true, text)
  t.equal(text:find("in a thread", 1, true) ~= nil, true, text)
end)

t.test("thousands of finalizers that try to wait keep neither memory nor the collector", function()
  local text, status = t.run({ "-e", [[
    local threading, time = require "gilua.threading", require "gilua.time"
    local lock, most, stopped = threading.Lock(), 0, false
    lock:acquire()
    local function finalize() lock:acquire() end
    local meta = { __gc = finalize }
    local makers = {}
    for i = 1, 3 do
      makers[i] = threading.start(function()
        while not stopped do
          setmetatable({}, meta)
          most = math.max(most, collectgarbage("count"))
        end
      end)
    end
    time.sleep(0.5)
    stopped = true
    for _, maker in ipairs(makers) do maker:join() end
    collectgarbage()
    print(most < 65536, collectgarbage("count") < 4096)
  ]] }, { before = "timeout 200 " })
  t.equal(text, "true\ttrue\n")
  t.equal(status, 0)
end)

t.test("finalizers that wait at the end of the program are refused, too", function()
  local text, status = t.run({ "-e", [[
    local threading = require "gilua.threading"
    local lock = threading.Lock()
    threading.start(lock.acquire, lock):join()
    keep = setmetatable({}, { __gc = function()
      print(require("gilua").is_error(select(2, pcall(lock.acquire, lock)), "invalid_state"))
      lock:acquire()
    end })
  ]] }, { before = "timeout 200 " })
  t.equal(text, "true\n")
  t.equal(status, 0)
end)

for kind, new in pairs {
  Lock = threading.Lock, RLock = threading.RLock, Condition = threading.Condition,
  BoundedSemaphore = threading.BoundedSemaphore,
} do
  t.test(kind .. " that is free is not released, by whatever thread, and stays free (31)", function()
    local mutex = new()
    for _ = 1, 3 do
      t.equal(pcall(mutex.release, mutex), false)
      t.equal(threading.start(pcall, mutex.release, mutex):result(), false)
    end
    t.equal(mutex:acquire(false), true)
    t.equal(threading.start(mutex.acquire, mutex, false):result(), false)
    mutex:release()
    t.equal(pcall(mutex.release, mutex), false)
    t.equal(threading.start(mutex.acquire, mutex, false):result(), true)
  end)
end

t.finish()
