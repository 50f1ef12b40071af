-- Waits that can never end: what is raised, in whom, and what the error says. What must not be taken for one is in
-- deadlock_false_alarm_test.lua.
local t = require "testing"
local gilua = require "gilua"
local threading = require "gilua.threading"
local queue = require "gilua.queue"
local time = require "gilua.time"

-- Two threads take two locks in opposite order, both first ones before either second one. Returns what each call of
-- second:acquire gave, {ok, error} by thread.
local function embrace(a, b, more)
  local gate = threading.Barrier(2)
  local got = {}
  local function take(i, first, second)
    local _ <close> = first:hold()
    gate:wait()
    if i == 2 then t.parked(got.first, "rlock") end -- thread 2 closes the cycle
    got[i] = table.pack(pcall(second.acquire, second))
    if got[i][1] and got[i][2] then second:release() end
  end
  got.first = threading.Thread { target = take, args = { 1, a, b }, name = "first" }:start()
  got.second = threading.Thread { target = take, args = { 2, b, a }, name = "second" }:start()
  if more then more(got) end
  t.join { got.first, got.second }
  return got
end

t.test("two threads that wait for each other's RLock: the one that closes the cycle gets deadlock", function()
  local got = embrace(threading.RLock(), threading.RLock())
  t.equal(got[1][1], true, "the other goes on")
  t.equal(got[2][1], false)
  t.equal(gilua.is_error(got[2][2], "deadlock"), true, tostring(got[2][2]))
end)

t.test("the error tells who waits where for what of whom", function()
  local e = embrace(threading.RLock(), threading.RLock())[2][2]
  t.equal(#e.cycle, 2)
  local one, two = e.cycle[1], e.cycle[2]
  t.equal(one.thread.name, "second")
  t.equal(two.thread.name, "first")
  t.equal(one.holder, two.thread)
  t.equal(two.holder, one.thread)
  for _, edge in ipairs(e.cycle) do
    t.equal(edge.waits_for, "rlock")
    t.equal(edge.at:match("deadlock_test.lua:%d+$") ~= nil, true, edge.at)
  end
  t.equal(e.message:match("second waits for an RLock of first at .-; first waits for an RLock of second at ") ~= nil, true,
    e.message)
end)

t.test("the locks are whole after a deadlock that was caught", function()
  local a, b = threading.RLock(), threading.RLock()
  embrace(a, b)
  t.equal(a:locked(), false)
  t.equal(b:locked(), false)
end)

t.test("a cycle of three threads is found, hold and with raise it too", function()
  local locks, gate, raised = { threading.RLock(), threading.RLock(), threading.RLock() }, threading.Barrier(3), {}
  t.join(t.start(3, function(i)
    local _ <close> = locks[i]:hold()
    gate:wait()
    local following = locks[i % 3 + 1]
    local ok, e = pcall(following.with, following, function() end)
    if not ok then raised[#raised + 1] = e end
  end))
  t.equal(#raised, 1)
  t.equal(#raised[1].cycle, 3)
end)

t.test("two threads that join each other: one gets deadlock", function()
  local one, two
  local failures = {}
  local started = threading.Event()
  local function join(which)
    started:wait()
    local ok, e = pcall(function() (which == 1 and two or one):join() end)
    if not ok then failures[#failures + 1] = e end
  end
  one, two = threading.start(join, 1), threading.start(join, 2)
  started:set()
  t.join { one, two }
  t.equal(#failures, 1)
  t.equal(failures[1].cycle[1].waits_for, "join")
  t.equal(gilua.is_error(failures[1], "deadlock"), true)
end)

t.test("a thread that joins the one that waits for its RLock gets deadlock", function()
  local lock = threading.RLock()
  local _ <close> = lock:hold()
  local thread = threading.start(function() lock:with(function() end) end)
  t.parked(thread, "rlock")
  local e = t.raises_kind("deadlock", thread.join, thread)
  t.equal(e.cycle[1].waits_for, "join")
  t.equal(e.cycle[2].waits_for, "rlock")
  lock:release()
  t.join { thread }
  lock:acquire()
end)

t.test("a Condition's waiter that was notified counts for the lock that it waits for", function()
  local cond, other = threading.Condition(), threading.RLock()
  local waiting, e = false, nil
  local waiter = threading.start(function()
    local _ <close> = other:hold()
    cond:acquire()
    waiting = true
    cond:wait()
    cond:release()
  end)
  t.eventually(function() return waiting and waiter.waits_for == "condition" end)
  cond:acquire()
  cond:notify()
  e = t.raises_kind("deadlock", other.acquire, other)
  t.equal(#e.cycle, 2)
  cond:release()
  t.join { waiter }
end)

t.test("a Condition that gets its lock back last makes another member of the cycle see it", function()
  local cond, other = threading.Condition(), threading.RLock()
  local back
  repeat -- on a slow machine the time may be over before the lock is held
    local waits = false
    back = false
    local timed = threading.start(function()
      local _ <close> = other:hold()
      cond:acquire()
      waits = true
      cond:wait(0.05) -- then it must have its lock back, whatever happens
      back = true
      cond:release()
    end)
    t.eventually(function() return waits end, "it to have the lock")
    cond:acquire()
    local too_late = back
    if not too_late then t.equal(#t.raises_kind("deadlock", other.acquire, other).cycle, 2) end
    cond:release()
    t.join { timed }
  until not too_late
end)

-- The rest needs a program whose only threads are those of the test.
local function run(script, ...)
  return t.run { "-e", "local threading, queue, time, gilua = require 'gilua.threading', require 'gilua.queue', " ..
    "require 'gilua.time', require 'gilua' " .. script, ... }
end

t.test("a program whose only thread waits for a Lock that it holds gets deadlock", function()
  local text, status = run("local l = threading.Lock() l:acquire() l:acquire()")
  t.equal(status, 1, text)
  t.equal(text:match("deadlock: every thread waits, and nobody is left to wake one: MainThread waits for a Lock of MainThread")
    ~= nil, true, text)
end)

t.test("waits for every kind of object are found", function()
  local text = run([[
    local waits = {
      lock = function() local l = threading.Lock() l:acquire() l:acquire() end,
      event = function() threading.Event():wait() end,
      get = function() queue.Queue():get() end,
      put = function() local q = queue.Queue(1) q:put(1) q:put(2) end,
      semaphore = function() threading.Semaphore(0):acquire() end,
      barrier = function() threading.Barrier(2):wait() end,
      condition = function() local c = threading.Condition() c:acquire() c:wait() end,
      priority = function() queue.PriorityQueue():get() end,
      join = function() local q = queue.Queue() q:put(1) q:join() end,
    }
    for name, f in pairs(waits) do threading.Thread{ name = name, target = f }:start() end]])
  for _, name in ipairs { "lock", "event", "get", "put", "semaphore", "barrier", "condition", "priority", "join" } do
    t.equal(text:find("error in thread '" .. name .. "': deadlock: every thread waits", 1, true) ~= nil, true, name)
  end
end)

t.test("an uncaught deadlock has the traceback of the wait", function()
  local text = run("local function stuck() queue.Queue():get() end stuck()")
  t.equal(text:match("in method 'get'.*stuck") ~= nil, true, text)
end)

t.test("it can be caught, and the program goes on", function()
  local text, status = run("local q = queue.Queue() local ok, e = pcall(q.get, q) " ..
    "print(gilua.is_error(e, 'deadlock'), #e.cycle, e.cycle[1].thread == threading.main_thread(), e.cycle[1].holder) " ..
    "q:put(5) print(q:get())")
  t.equal(text, "true\t1\ttrue\tnil\n5\n")
  t.equal(status, 0)
end)

t.test("all threads in queues of each other: the last to wait gets it, and everybody is listed", function()
  local text = run([[
    local a, b = queue.Queue(), queue.Queue()
    local worker = threading.start(function() b:put(a:get()) end)
    while not worker.waits_for do time.sleep(0.001) end
    local ok, e = pcall(b.get, b)
    print(ok, #e.cycle, e.cycle[1].thread == threading.main_thread(), e.cycle[2].thread == worker, e.cycle[2].waits_for)
    a:put("x")
    print(b:get())]])
  t.equal(text, "false\t2\ttrue\ttrue\tqueue\nx\n")
end)

t.test("idle workers of a pool hide no deadlock, and are not told of it", function()
  local text, status = run([[
    local pool = require("gilua.futures").ThreadPoolExecutor { max_workers = 2 }
    print(pool:submit(function() return 1 end):result())
    print(gilua.is_error(select(2, pcall(queue.Queue().get, queue.Queue())), "deadlock"))
    print(pool:submit(function() return 2 end):result())]])
  t.equal(text, "1\ntrue\n2\n")
  t.equal(status, 0)
end)

t.test("a task that waits in vain at the end of the program is told, not the end", function()
  local text, status = run([[
    local pool = require("gilua.futures").ThreadPoolExecutor { max_workers = 1 }
    pool:submit(function()
      print(gilua.is_error(select(2, pcall(queue.Queue().get, queue.Queue())), "deadlock"))
    end)]])
  t.equal(text, "true\n")
  t.equal(status, 0)
end)

t.test("a thread that ends and leaves only waiters behind makes one of them see it", function()
  local text = run([[
    local e = threading.Event()
    threading.start(function() time.sleep(0.02) end)
    print(pcall(e.wait, e))]])
  t.equal(text:match("^false\tdeadlock: every thread waits") ~= nil, true, text)
end)

t.test("a worker that is left waiting when the script has ended gets it, so the program ends", function()
  local text, status = run("threading.Thread{ name = 'left', target = function() queue.Queue():get() end }:start()")
  t.equal(text:match("error in thread 'left': deadlock: every thread waits") ~= nil, true, text)
  t.equal(status, 0)
end)

t.test("every one of several workers left behind is told, one after the other", function()
  local text = run("for i = 1, 5 do threading.start(function() queue.Queue():get() end) end")
  local n = select(2, text:gsub("error in thread 'Thread%-%d", ""))
  t.equal(n, 5, text)
end)

t.test("daemons that wait do not keep others from seeing it", function()
  local text = run([[
    local q = queue.Queue()
    threading.Thread{ daemon = true, target = function() for job in q:items() do job() end end }:start()
    q:put(function() end)
    local e = threading.Event()
    local ok, err = pcall(e.wait, e)
    print(ok, err and err.kind)]])
  -- whoever waits last is told: main, or the daemon (then main is told when the daemon has ended)
  t.equal(text:match("false\tdeadlock\n$") ~= nil, true, text)
end)

t.test("a cycle over plain Locks is a warning with both tracebacks, once", function()
  local text = run([[
    warn("@on")
    local a, b, gate = threading.Lock(), threading.Lock(), threading.Barrier(2)
    local function left() a:acquire() gate:wait() b:acquire(true, 5) end
    local function take(x, y) x:acquire() gate:wait() y:acquire() end
    local one = threading.Thread{ name = "one", target = take, args = {a, b} }:start()
    local two = threading.Thread{ name = "two", target = take, args = {b, a} }:start()
    while one.waits_for ~= "lock" or two.waits_for ~= "lock" do time.sleep(0.001) end
    a:release()
    two:join()
    b:release()
    one:join()
    print("over")]])
  t.equal(select(2, text:gsub("Lua warning: ", "")), 1, text)
  t.equal(text:match("these threads wait for each other") ~= nil, true, text)
  t.equal(text:match("one waits for lock") ~= nil and text:match("two waits for lock") ~= nil, true, text)
  t.equal(select(2, text:gsub("in method 'acquire'", "")), 2, text)
  t.equal(text:match("over\n$") ~= nil, true, text)
end)

t.test("without @on a cycle over plain Locks writes nothing", function()
  local text = run([[
    local a, gate = threading.Lock(), threading.Event()
    a:acquire()
    threading.start(function() time.sleep(0.01) a:release() end)
    a:acquire()
    print("over")]])
  t.equal(text, "over\n")
end)

t.test("the error says when the holder took the lock in a coroutine that it is not in", function()
  local text = run([[
    local lock, ready = threading.RLock(), threading.Event()
    local take = coroutine.wrap(function() lock:acquire() coroutine.yield() end)
    threading.Thread{ name = "owner", daemon = true, target = function() take() ready:set() threading.Event():wait() end }:start()
    ready:wait()
    print(select(2, pcall(lock.acquire, lock)).message)]])
  t.equal(text:match("MainThread waits for an RLock of owner %(taken in another coroutine%) at ") ~= nil, true, text)
end)

-- ThreadSanitizer ends a worker that starts a thread.
if not os.getenv("TSAN_OPTIONS") then t.test("tasks in a process: what waits for itself there comes back as deadlock, with names", function()
  local text = run([[
    local pool <close> = require("gilua.futures").ProcessPoolExecutor { max_workers = 1 }
    local function embrace()
      local th = require "gilua.threading"
      local a, b, gate = th.RLock(), th.RLock(), th.Barrier(2)
      local other = th.Thread{ name = "other", target = function() b:with(function() gate:wait() pcall(a.acquire, a) end) end }:start()
      a:acquire()
      gate:wait()
      while other.waits_for ~= "rlock" do th.start(function() end):join() end
      b:acquire()
    end
    local function alone() local l = require "gilua.threading".Lock() l:acquire() l:acquire() end
    for _, f in ipairs { alone, embrace } do
      local ok, e = pcall(function() return pool:submit(f):result() end)
      print(ok, e.kind, e.cycle and #e.cycle, e.cycle and e.cycle[1].thread, e.cycle and e.cycle[1].holder)
    end]])
  t.equal(text, "false\tdeadlock\t1\tMainThread\tMainThread\nfalse\tdeadlock\t2\tMainThread\tother\n")
end) end

t.test("a deadlock in a coroutine is raised where the coroutine waits", function()
  local text = run([[
    local co = coroutine.create(function() return pcall(threading.Event().wait, threading.Event()) end)
    local _, ok, e = coroutine.resume(co)
    print(ok, e.kind)]])
  t.equal(text, "false\tdeadlock\n")
end)

t.finish()
