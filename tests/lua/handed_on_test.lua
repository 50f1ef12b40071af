-- A waiter that is cancelled gives what it was granted meanwhile to the next one. The cancel comes first: the waiter is still in
-- line when it is granted, and leaves.
local t = require "testing"
local threading = require "gilua.threading"
local queue = require "gilua.queue"

-- wait() waits until give() is called; of two waiters the first one is cancelled.
local function case(name, what, wait, give)
  t.test("a cancelled waiter hands on " .. name, function()
    local reached = {}
    local function waiter(i)
      wait(i)
      reached[#reached + 1] = i
    end
    local a, b = threading.start(waiter, 1), nil
    t.parked(a, what)
    b = threading.start(waiter, 2)
    t.parked(b, what)
    a:cancel()
    give()
    t.raises_kind("cancelled", a.result, a)
    t.join { b }
    t.equal(table.concat(reached), "2")
  end)
end

for _, kind in ipairs { "Lock", "RLock" } do
  for _, method in ipairs { "acquire", "hold" } do
    local lock = threading[kind]()
    lock:acquire()
    case(kind .. ":" .. method, kind:lower(), function()
      lock[method](lock)
      lock:release()
    end, function() lock:release() end)
  end
end

for _, kind in ipairs { "Semaphore", "BoundedSemaphore" } do
  local s = threading[kind](1)
  s:acquire()
  case("a permit of a " .. kind, "semaphore", function() s:acquire() end, function() s:release() end)
end

for _, kind in ipairs { "Queue", "LifoQueue", "PriorityQueue", "SimpleQueue" } do
  local q = queue[kind]()
  case("an item of a " .. kind, "queue", function() t.equal(q:get(), 7) end, function() q:put(7) end)
end

for _, kind in ipairs { "Queue", "LifoQueue", "PriorityQueue" } do
  local q = queue[kind](1)
  q:put(0)
  case("a place in a " .. kind, "queue", function(i) q:put(i) end, function() t.equal(q:get(), 0) end)
  t.equal(q:get_nowait(), 2)
end

for _, method in ipairs { "notify", "notify_all" } do
  local cond, items = threading.Condition(), 0
  case("a notification by " .. method, "condition", function()
    local _ <close> = cond:hold()
    while items == 0 do cond:wait() end
    items = items - 1
  end, function()
    local _ <close> = cond:hold()
    items = 1
    cond[method](cond)
  end)
end

t.test("wait_for does not give back what another thread took while the predicate had let go", function()
  for _, kind in ipairs { "Lock", "RLock" } do
    local cond, leave = threading.Condition(threading[kind]()), threading.Event()
    local other = threading.Thread { target = function()
      cond:acquire()
      leave:wait()
      cond:release()
    end }
    cond:acquire()
    t.raises("wait_for on a Condition whose lock was given away", cond.wait_for, cond, function()
      cond:release()
      other:start()
      t.parked(other, "event")
    end, 5)
    t.equal(cond:locked(), true)
    leave:set()
    t.join { other }
  end
end)

t.test("the end of a block does not give back what another thread took since", function()
  local lock, leave = threading.Lock(), threading.Event()
  local other = threading.Thread { target = function()
    lock:acquire()
    leave:wait()
    lock:release()
  end }
  local function give_away()
    lock:release()
    other:start()
    t.parked(other, "event")
  end
  t.raises("would release a Lock that thread %d+ has taken meanwhile", lock.with, lock, give_away)
  t.equal(lock:locked(), true)
  leave:set()
  t.join { other }
end)

t.test("a Barrier is not waited for by its own action", function()
  local barrier
  barrier = threading.Barrier(1, function() barrier:wait() end)
  t.raises("a Barrier cannot be waited for by its own action", barrier.wait, barrier)
  t.equal(barrier.broken, true)
end)

-- A ring is made larger at every power of two; a finalizer then uses the queue amid put.
for _, kind in ipairs { "Queue", "LifoQueue", "PriorityQueue", "SimpleQueue" } do
  t.test("a finalizer may use a " .. kind .. " while a put makes room in it", function()
    local q, put, taken = queue[kind](), 0, 0
    local function plant()
      setmetatable({}, { __gc = function()
        if q:put_nowait(0) then put = put + 1 end
        if put % 3 == 0 and q:get_nowait() then taken = taken + 1 end
        if put < 300 then plant() end
      end })
    end
    local pause, multiplier = t.pause(0), t.pace(1000)
    plant()
    for i = 1, 3000 do q:put(i) put = put + 1 end
    t.pause(pause)
    t.pace(multiplier)
    while q:get_nowait() do taken = taken + 1 end
    t.equal(taken, put)
  end)
end

t.finish()
