-- What print shows of gilua's objects: their type, their state, their name.
local t = require "testing"
local gilua = require "gilua"
local threading, queue, futures, multiprocessing = gilua.threading, gilua.queue, gilua.futures, gilua.multiprocessing

t.may_keep["shared mappings"] = 2 -- the memory that processes share is kept
t.may_keep.descriptors = 4

-- "Lock(unlocked): 0x…" without its address
local function shown(object) return (tostring(object):gsub(": 0x%x+$", "")) end

t.test("a lock shows who holds it", function()
  local lock, rlock = threading.Lock(), threading.RLock()
  t.equal(shown(lock), "Lock(unlocked)")
  t.equal(shown(rlock), "RLock(unlocked)")
  lock:acquire()
  rlock:acquire()
  rlock:acquire()
  t.equal(shown(lock), "Lock(locked by thread 1)")
  t.equal(shown(rlock), "RLock(locked by thread 1, count 2)")
  t.equal(threading.start(shown, lock):result(), "Lock(locked by thread 1)", "in another thread, without waiting")
end)

t.test("a condition shows its lock and who waits", function()
  local cond, lock = threading.Condition(), threading.Lock()
  t.equal(shown(cond), "Condition(RLock unlocked, 0 waiting)")
  t.equal(shown(threading.Condition(lock)), "Condition(Lock unlocked, 0 waiting)")
  local waiter = threading.start(function() cond:with(cond.wait, cond) end)
  t.eventually(function() return waiter.waits_for == "condition" end, "the thread to wait")
  t.equal(shown(cond), "Condition(RLock unlocked, 1 waiting)")
  cond:with(cond.notify, cond)
  waiter:join()
end)

t.test("events, semaphores and barriers show what they count", function()
  local event, barrier = threading.Event(), threading.Barrier(2)
  t.equal(shown(event), "Event(unset)")
  event:set()
  t.equal(shown(event), "Event(set)")
  t.equal(shown(threading.Semaphore(3)), "Semaphore(3 free)")
  local bounded = threading.BoundedSemaphore(2)
  bounded:acquire()
  t.equal(shown(bounded), "BoundedSemaphore(1 of 2 free)")
  t.equal(shown(barrier), "Barrier(0 of 2 waiting)")
  barrier:abort()
  t.equal(shown(barrier), "Barrier(0 of 2 waiting, broken)")
end)

t.test("queues show their type and what is in them", function()
  for _, name in ipairs { "Queue", "LifoQueue", "PriorityQueue", "SimpleQueue" } do
    local q = queue[name]()
    q:put(1)
    t.equal(shown(q), name .. "(1 items)")
    q:shutdown()
    t.equal(shown(q), name .. "(1 items, shut down)")
  end
  t.equal(shown(queue.Queue(5)), "Queue(0 of 5 items)")
end)

t.test("threads and timers show name and state", function()
  t.equal(shown(threading.Thread { name = "n", daemon = true }), "Thread(n, new, daemon)")
  local timer = threading.Timer(0, print)
  timer.name = "later"
  t.equal(shown(timer), "Timer(later, new)")
end)

t.test("executors, pools and their results show their state", function()
  local pool, gate = futures.ThreadPoolExecutor(2), threading.Event()
  t.equal(shown(pool), "ThreadPoolExecutor(2 workers, open)")
  pool:shutdown()
  t.equal(shown(pool), "ThreadPoolExecutor(2 workers, shut down)")
  local processes = multiprocessing.Pool(1)
  t.equal(shown(processes), "Pool(1 worker, open)")
  local result = processes:apply_async(require("gilua.time").sleep, { 100 })
  t.equal(shown(result), "AsyncResult(pending)")
  processes:terminate()
  t.equal(shown(result), "AsyncResult(ready)")
  t.equal(shown(processes), "Pool(1 worker, shut down)")
  gate:set()
end)

t.test("a process shows its name, and how far it is", function()
  local p = multiprocessing.Process { target = function() os.exit(3) end, name = "child" }
  t.equal(tostring(p), "Process(child, new)")
  p:start()
  t.equal(tostring(p):find("^Process%(child, ") ~= nil, true, tostring(p))
  p:join()
  t.equal(tostring(p), "Process(child, exit code 3)")
end)

-- Each type by its own name, not that of one that is implemented alike.
t.test("messages name the type", function()
  for name, object in pairs { BoundedSemaphore = threading.BoundedSemaphore(), LifoQueue = queue.LifoQueue(),
    SimpleQueue = queue.SimpleQueue(), PriorityQueue = queue.PriorityQueue() } do
    local _, message = pcall(function() object.field = 1 end)
    t.equal(message:find("a gilua." .. name .. " has no field 'field' that can be set", 1, true) ~= nil, true, message)
    _, message = pcall(threading.Lock().release, object)
    t.equal(message:find("got gilua." .. name, 1, true) ~= nil, true, message)
  end
end)

t.test("what processes share shows its state, and that it was closed", function()
  local mp = multiprocessing
  for _, kind in ipairs { "Lock", "RLock", "Condition" } do
    local lock = mp[kind]()
    t.equal(shown(lock), "multiprocessing." .. kind .. "(unlocked)")
    lock:acquire()
    t.equal(shown(lock), "multiprocessing." .. kind .. "(locked)")
    lock:release()
  end
  local event = mp.Event()
  t.equal(shown(event), "multiprocessing.Event(unset)")
  event:set()
  t.equal(shown(event), "multiprocessing.Event(set)")
  t.equal(shown(mp.Semaphore(3)), "multiprocessing.Semaphore(3 free)")
  t.equal(shown(mp.BoundedSemaphore()), "multiprocessing.BoundedSemaphore(1 free)")
  local barrier = mp.Barrier(2)
  t.equal(shown(barrier), "multiprocessing.Barrier(0 of 2 waiting)")
  barrier:abort()
  t.equal(shown(barrier), "multiprocessing.Barrier(0 of 2 waiting, broken)")
  t.equal(shown(mp.Value("f64", 1.5)), "multiprocessing.Value(1.5)")
  local q, here, there = mp.Queue(4), mp.Pipe()
  q:put(1)
  t.equal(shown(q), "multiprocessing.Queue(1 of 4 items)")
  t.equal(shown(mp.SimpleQueue()), "multiprocessing.SimpleQueue(0 items)")
  t.equal(shown(here), "multiprocessing.Connection(open)")
  for _, object in ipairs { q, here, there } do object:close() end
  t.equal(shown(q), "multiprocessing.Queue(closed)")
  t.equal(shown(here), "multiprocessing.Connection(closed)")
  t.raises("queue of gilua.multiprocessing expected, got gilua.Lock", mp.SimpleQueue().put, threading.Lock(), 1)
end)

t.finish()
