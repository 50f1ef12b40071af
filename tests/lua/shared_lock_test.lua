-- multiprocessing.Lock, RLock, Event, Semaphore, Condition, Barrier, Value: between processes, whoever dies.
local t = require "testing"
local P = require "processes"
local mp = require "gilua.multiprocessing"
local threading = require "gilua.threading"
local futures = require "gilua.futures"

t.may_keep["shared mappings"] = 2 -- the memory that processes share is kept
t.may_keep.descriptors = 4

-- A process that says so when it begins to wait for ever, having done f.
local function holder(f, ...)
  local ready = mp.Queue()
  local p = mp.Process { target = function(go, g, ...)
    g(...)
    go:put(true)
    require "gilua.time".sleep(1000)
  end, args = { ready, f, ... }, daemon = true }:start()
  ready:get()
  return p
end

local function kill(p)
  p:kill()
  p:join()
end

t.test("a lock excludes processes and their threads", function()
  local lock, count = mp.Lock(), mp.Value("i64", 0)
  local n = t.hostile and 20 or 2000
  local function work(l, v, times)
    for _ = 1, times do
      local _ <close> = l:hold()
      v.value = v.value + 1
    end
  end
  local list = {}
  for i = 1, 3 do list[i] = mp.Process { target = work, args = { lock, count, n } }:start() end
  local thread = threading.start(work, lock, count, n)
  work(lock, count, n)
  thread:join()
  for _, p in ipairs(list) do p:join() end
  t.equal(count.value, 5 * n)
  t.equal(lock:locked(), false)
end)

t.test("a lock's results", function()
  local lock = mp.Lock()
  t.equal(lock:acquire(), true)
  t.equal(lock:locked(), true)
  t.equal(lock:acquire(false), false)
  t.equal(lock:acquire(true, 0.01), false)
  lock:release()
  t.equal(pcall(lock.release, lock), false)
  t.equal(lock:with(function(x) return x, lock:locked() end, 7), 7)
  t.equal(lock:locked(), false)
  t.equal(pcall(lock.with, lock, error, "x"), false)
  t.equal(lock:locked(), false)
end)

t.test("another process may release a Lock", function()
  local lock = mp.Lock()
  lock:acquire()
  local p = mp.Process { target = function(l) l:release() end, args = { lock } }:start()
  t.equal(lock:acquire(true, t.limit), true)
  p:join()
end)

t.test("the lock of a process that was killed is free, and says so once", function()
  for _, make in ipairs { mp.Lock, mp.RLock } do
    local lock = make()
    local p = holder(function(l) l:acquire() end, lock)
    t.equal(lock:acquire(false), false)
    t.equal(lock:locked(), true)
    kill(p)
    t.equal(lock:locked(), false)
    local got, why = lock:acquire(false)
    t.equal(got, true)
    t.equal(why, "abandoned")
    lock:release()
    t.equal(select("#", lock:acquire()), 1)
    lock:release()
  end
end)

t.test("who waits for the lock of a process gets it when that is killed", function()
  local lock = mp.Lock()
  local p = holder(function(l) l:acquire() end, lock)
  local waiter = threading.start(function() return lock:acquire() end)
  t.parked(waiter, "shared Lock")
  kill(p)
  local got, why = waiter:result(t.limit)
  t.equal(got, true)
  t.equal(why, "abandoned")
end)

t.test("an RLock counts, and belongs to its thread", function()
  local lock = mp.RLock()
  lock:acquire()
  t.equal(lock:acquire(), true)
  lock:release()
  t.equal(lock:held(), true)
  t.equal(threading.start(function() return lock:acquire(false) end):result(), false)
  t.equal(threading.start(function() return pcall(lock.release, lock) end):result(), false)
  lock:release()
  t.equal(lock:held(), false)
  t.equal(pcall(lock.release, lock), false)
end)

t.test("a wait for a lock is cancelled, and the lock goes on", function()
  local lock = mp.Lock()
  lock:acquire()
  local thread = threading.start(function() lock:acquire() end)
  t.parked(thread, "shared Lock")
  thread:cancel()
  t.equal(pcall(thread.result, thread), false)
  lock:release()
  t.equal(lock:acquire(true, t.limit), true)
end)

t.test("an event tells every process", function()
  local event, back = mp.Event(), mp.Queue()
  t.equal(event:wait(0.01), false)
  local list = {}
  for i = 1, 3 do
    list[i] = mp.Process { target = function(e, out) out:put(e:wait()) end, args = { event, back } }:start()
  end
  event:set()
  for _ = 1, 3 do t.equal(back:get(), true) end
  t.equal(event:is_set(), true)
  event:clear()
  t.equal(event:is_set(), false)
  for _, p in ipairs(list) do p:join() end
end)

t.test("a semaphore counts; a bounded one refuses what was not acquired", function()
  local sem = mp.Semaphore(2)
  t.equal(sem:acquire(), true)
  t.equal(sem:acquire(), true)
  t.equal(sem:acquire(false), false)
  t.equal(sem:get_value(), 0)
  sem:release(2)
  sem:release()
  t.equal(sem:get_value(), 3)
  local bounded = mp.BoundedSemaphore(1)
  t.equal(pcall(bounded.release, bounded), false)
  do
    local _ <close> = bounded:hold()
    t.equal(bounded:acquire(false), false)
  end
  t.equal(bounded:acquire(false), true)
end)

t.test("what a killed process had of a semaphore comes back; what it signalled stays", function()
  local sem = mp.Semaphore(2)
  local p = holder(function(s) s:acquire() s:acquire() end, sem)
  t.equal(sem:acquire(false), false)
  kill(p)
  local got, why = sem:acquire(true, t.limit)
  t.equal(got, true)
  t.equal(why, "abandoned")
  t.equal(sem:acquire(false), true)
  t.equal(sem:acquire(false), false)
  local signal = mp.Semaphore(0)
  p = holder(function(s) s:release(3) end, signal)
  t.equal(signal:acquire(), true)
  kill(p)
  t.equal(signal:acquire(false) and signal:acquire(false), true)
  t.equal(signal:acquire(false), false)
end)

t.test("what more processes signalled and died than a semaphore has room for stays, and what the dead had comes back", function()
  local sem = mp.Semaphore(2)
  local n = t.hostile and 3 or 140
  for _ = 1, n do mp.Process { target = function(s) s:release() end, args = { sem } }:start():join() end
  t.equal(sem:get_value(), n + 2)
  for _ = 1, n do t.equal(sem:acquire(false), true) end
  for _ = 1, 2 do
    local p = holder(function(s) s:acquire() s:acquire() end, sem)
    t.equal(sem:acquire(false), false)
    kill(p)
    t.equal(select(2, sem:acquire()), "abandoned")
    sem:release()
  end
  t.equal(sem:get_value(), 2)
end)

t.test("a condition hands work over", function()
  local cond, value, said = mp.Condition(), mp.Value("i64", 0), mp.Queue()
  local p = mp.Process { target = function(c, v, out)
    local _ <close> = c:hold()
    out:put "waits"
    c:wait_for(function() return v.value == 3 end)
    out:put(v.value)
  end, args = { cond, value, said } }:start()
  t.equal(said:get(), "waits")
  for _ = 1, 3 do
    cond:acquire()
    value:add(1)
    cond:notify()
    cond:release()
  end
  t.equal(said:get(), 3)
  p:join()
  t.equal(pcall(cond.wait, cond), false)
  t.equal(pcall(cond.notify, cond), false)
  cond:acquire()
  t.equal(cond:wait(0.01), false)
  cond:release()
end)

t.test("notify tells as many as it says", function()
  local cond, woken, waiting = mp.Condition(mp.Lock()), mp.Value("i64", 0), mp.Semaphore(0)
  local threads = {}
  for i = 1, 4 do
    threads[i] = threading.start(function()
      cond:acquire()
      waiting:release()
      cond:wait()
      woken:add(1)
      cond:release()
    end)
  end
  for _ = 1, 4 do waiting:acquire() end
  cond:with(function() cond:notify(2) end)
  t.eventually(function() return woken.value == 2 end)
  cond:with(function() cond:notify_all() end)
  for _, thread in ipairs(threads) do thread:join() end
  t.equal(woken.value, 4)
end)

t.test("a notification to a process that was killed goes to another", function()
  local cond, waiting = mp.Condition(), mp.Semaphore(0)
  local p = mp.Process { target = function(c, begun)
    c:acquire()
    begun:release()
    c:wait()
  end, args = { cond, waiting }, daemon = true }:start()
  waiting:acquire()
  cond:acquire() -- it waits
  P.stop(p.pid)
  local thread = threading.start(function()
    cond:acquire()
    waiting:release()
    local got = cond:wait()
    cond:release()
    return got
  end)
  cond:release()
  waiting:acquire()
  cond:with(function() cond:notify() end) -- the process, which came first, is told
  kill(p)
  t.equal(thread:result(t.limit), true)
end)

t.test("a notification to a process that was killed is nobody's who came after it", function()
  local cond, waiting = mp.Condition(), mp.Semaphore(0)
  local p = mp.Process { target = function(c, begun)
    c:acquire()
    begun:release()
    c:wait()
  end, args = { cond, waiting }, daemon = true }:start()
  waiting:acquire()
  cond:acquire() -- it waits
  P.stop(p.pid)
  cond:notify()
  kill(p)
  t.equal(cond:wait(0.3), false)
  cond:release()
end)

t.test("a barrier lets all parties pass, runs its action once, and may be reset", function()
  local runs = mp.Value("i64", 0)
  local barrier, back = mp.Barrier(3, function() runs:add(1) end), mp.Queue()
  local list = {}
  for i = 1, 2 do
    list[i] = mp.Process { target = function(b, out)
      for _ = 1, 3 do out:put(b:wait()) end
    end, args = { barrier, back } }:start()
  end
  local sum = 0
  for _ = 1, 3 do sum = sum + barrier:wait() end
  for _ = 1, 6 do sum = sum + back:get() end
  t.equal(sum, 18)
  t.equal(runs.value, 3)
  for _, p in ipairs(list) do p:join() end
  t.equal(barrier.parties, 3)
  t.equal(barrier.n_waiting, 0)
  t.equal(select(2, barrier:wait(0.01)), "broken")
  t.equal(barrier.broken, true)
  t.equal(select(2, barrier:wait()), "broken")
  barrier:reset()
  t.equal(barrier.broken, false)
  local thread = threading.start(function() return select(2, barrier:wait()) end)
  t.eventually(function() return barrier.n_waiting == 1 end)
  barrier:abort()
  t.equal(thread:result(), "broken")
end)

t.test("a value keeps its type and adds atomically", function()
  local v = mp.Value("i64", 5)
  t.equal(v:add(2), 7)
  t.equal(math.type(v.value), "integer")
  local d = mp.Value("d", 1)
  t.equal(d:add(0.5), 1.5)
  d.value = 3
  t.equal(d.value, 3.0)
  local b = mp.Value("u8", 255)
  t.equal(b:add(1), 0)
  t.equal(mp.Value("f32", 0.1).value ~= 0.1, true)
  local n = t.hostile and 20 or 2000
  local list = {}
  for i = 1, 3 do
    list[i] = mp.Process { target = function(x, times) for _ = 1, times do x:add(1) end end, args = { v, n } }:start()
  end
  for _, p in ipairs(list) do p:join() end
  t.equal(v.value, 7 + 3 * n)
  t.equal(v:get_lock():with(function() return v.value end), 7 + 3 * n)
  t.equal(pcall(mp.Value, "nothing", 1), false)
  t.equal(pcall(function() v.value = "x" end), false)
end)

t.test("they pass to workers of a pool, as argument, captured value and result", function()
  local pool <close> = futures.ProcessPoolExecutor { max_workers = 2 }
  local lock, value = mp.Lock(), mp.Value("i64", 0)
  local tasks = {}
  for i = 1, 20 do
    tasks[i] = pool:submit(function(l)
      l:with(function() value.value = value.value + 1 end)
      return l
    end, lock)
  end
  for _, task in ipairs(tasks) do task:result() end -- until then another may have the lock
  for _, task in ipairs(tasks) do t.equal(task:result():locked(), false) end
  t.equal(value.value, 20)
end)

t.test("killing holders of a lock at random never leaves it locked", function()
  local lock, value = mp.Lock(), mp.Value("i64", 0)
  local list = {}
  local function work(l, v)
    while true do
      l:acquire()
      v:add(1)
      l:release()
    end
  end
  for _ = 1, t.hostile and 3 or 15 do
    while #list < 3 do list[#list + 1] = mp.Process { target = work, args = { lock, value }, daemon = true }:start() end
    local before = value.value
    t.eventually(function() return value.value > before + 10 end)
    kill(table.remove(list, 1))
    t.equal(lock:acquire(true, t.limit), true)
    lock:release()
  end
  for _, p in ipairs(list) do kill(p) end
  t.equal(lock:acquire(true, t.limit), true)
end)

t.test("no lock is taken from a living process for want of descriptors", function()
  t.equal(t.run({ "-e", [[
    local mp = require "gilua.multiprocessing"
    local lock, ready, done = mp.Lock(), mp.Semaphore(0), mp.Semaphore(0)
    local p = mp.Process { target = function(l, r, d)
      l:acquire()
      r:release()
      d:acquire()
      l:release()
    end, args = { lock, ready, done } }:start()
    ready:acquire()
    local files, f = {}
    repeat f = io.open("/dev/null"); files[#files + 1] = f until not f
    local got, how = lock:acquire(true, 0.5)
    print(got, how, lock:locked())
    for _, file in ipairs(files) do file:close() end
    done:release()
    print(lock:acquire())
    p:join()
  ]] }, { before = "ulimit -n 60; " }), "false\tnil\ttrue\ntrue\n")
end)

-- Functions that mark the guard of an object as held by another living process, which stands still, and as free. The object is
-- found in the shared memory by the number that follows its head.
t.test("a dump says which process has the lock that a thread waits for", function()
  t.equal(t.run { "-e", [[
    local mp, threading, gil = require "gilua.multiprocessing", require "gilua.threading", require "gilua.gil"
    local lock, ready, done = mp.Lock(), mp.Queue(), mp.Event()
    local p = mp.Process { target = function(l, r, d) l:acquire() r:put(true) d:wait() end, args = { lock, ready, done } }:start()
    ready:get()
    local thread = threading.start(function() lock:acquire() end)
    while thread.waits_for ~= "shared Lock" do require "gilua.time".sleep(0.001) end
    print("pid " .. p.pid)
    io.stdout:flush()
    gil.dump()
    done:set()
    p:join()
  ]] }:match "^pid (%d+)\n.*shared Lock of process %1\n" ~= nil, true)
end)

t.finish()
