local mp = require "gilua.multiprocessing"
local function add(v, lock, n)
  for _ = 1, n do
    local _ <close> = lock:hold()
    v.value = v.value + 1
  end
end
local function waiter(e, sem, q)
  q:put(e:wait(0.01))
  sem:release()
  q:put(e:wait())
end
local function meet(b, q)
  b:wait()
  q:put(b.n_waiting <= 2)
end
local v, lock = mp.Value("i", 5), mp.Lock()
local ps = {}
for i = 1, 3 do ps[i] = mp.Process { target = add, args = { v, lock, 50 } }:start() end
for i = 1, 3 do ps[i]:join() end
print(v.value)
print(lock:acquire(), lock:acquire(false), lock:acquire(true, 0.01))
lock:release()
if not pcall(lock.release, lock) then print "not held" end
local e, sem, q = mp.Event(), mp.Semaphore(0), mp.Queue()
local p = mp.Process { target = waiter, args = { e, sem, q } }:start()
sem:acquire()
e:set()
print(q:get(), q:get(), e:is_set())
p:join()
local b = mp.Barrier(3)
for i = 1, 2 do ps[i] = mp.Process { target = meet, args = { b, q } }:start() end
b:wait()
print(q:get(), q:get(), b.parties, b.broken)
for i = 1, 2 do ps[i]:join() end
local bounded = mp.BoundedSemaphore(1)
if not pcall(bounded.release, bounded) then print "too many" end
local j = mp.JoinableQueue()
for i = 1, 3 do j:put(i) end
for _ = 1, 3 do
  j:get()
  j:task_done()
end
j:join()
if not pcall(j.task_done, j) then print "done too often" end
print(mp.current_process().name, mp.parent_process(), #mp.active_children() == 0 and "[]")
