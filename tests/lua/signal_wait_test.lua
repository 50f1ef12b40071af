-- gilua.signal amid waits: a handler runs in the main thread while it waits for anything, and the wait then goes on.
local t = require "testing"
local signals = require "signals"

-- ThreadSanitizer holds a signal back until the next call that it knows, which a thread that waits does not make.
if t.tsan then
  print "ok - nothing is asked of programs under ThreadSanitizer"
  os.exit(true)
end

local gilua = require "gilua"
local signal = require "gilua.signal"
local threading, time, queue = gilua.threading, gilua.time, gilua.queue
local main = threading.main_thread()
local at, send, with_handler = signals.at, signals.send, signals.with_handler

-- name -> { what it waits for, the wait, who ends it }
local function waits()
  local lock, rlock, semaphore, event = threading.Lock(), threading.RLock(), threading.Semaphore(0), threading.Event()
  local condition, barrier, items, full = threading.Condition(), threading.Barrier(2), queue.Queue(), queue.Queue(1)
  local plain = threading.Condition(threading.Lock())
  local gate, held = threading.Event(), threading.Event()
  local thread = threading.start(function() gate:wait() return 7 end)
  local future = gilua.futures.Future()
  full:put "first"
  lock:acquire()
  threading.start(function()
    rlock:acquire()
    held:set()
    gate:wait()
    rlock:release()
  end)
  held:wait()
  return {
    over = function() gate:set() end,
    { "lock", function() return lock:acquire() end, function() lock:release() end },
    { "rlock", function() return rlock:acquire() end, function() gate:set() end },
    { "semaphore", function() return semaphore:acquire() end, function() semaphore:release() end },
    { "event", function() return event:wait() end, function() event:set() end },
    { "condition", function() return condition:with(function() return condition:wait() end) end,
      function() condition:with(function() condition:notify() end) end },
    { "condition", function() return plain:with(function() return plain:wait() end) end,
      function() plain:with(function() plain:notify() end) end },
    { "barrier", function() return barrier:wait() ~= nil end, function() barrier:wait() end },
    { "queue", function() return items:get() end, function() items:put(true) end },
    { "queue", function() return full:put "second" end, function() full:get() end },
    { "join", function() return thread:join() end, function() gate:set() end },
    { "future", function() return future:result() end, function() future:set_result(true) end },
    { "sleep", function() time.sleep(0.02) return true end, function() end },
  }
end

-- Each with objects of its own.
local function each_wait()
  return coroutine.wrap(function()
    for i = 1, 12 do
      local list = waits()
      coroutine.yield(i, table.unpack(list[i]))
      list.over()
    end
  end)
end

t.test("amid any wait a handler runs, may wait itself, and the wait goes on to its end", function()
  for i, what, wait, finish in each_wait() do
    local inner, calls = queue.Queue(), 0
    with_handler(function()
      calls = calls + 1
      inner:get()
    end, function()
      local thread = at(what, function()
        signal.raise_signal "USR1"
        t.eventually(function() return calls == 1 end)
        t.parked(main, "queue") -- that of the handler
        inner:put(1)
        if what ~= "sleep" then t.parked(main, what) end
        finish()
      end)
      t.equal(wait(), true, what .. " " .. i)
      t.join { thread }
      t.equal(calls, 1, what .. " " .. i)
    end)
  end
end)

t.test("what is granted while a handler runs is not lost", function()
  for i, what, wait, finish in each_wait() do
    if what ~= "sleep" then
      local inner, calls = queue.Queue(), 0
      with_handler(function()
        calls = calls + 1
        inner:get()
      end, function()
        local thread = at(what, function()
          signal.raise_signal "USR1"
          t.eventually(function() return calls == 1 end)
          t.parked(main, "queue")
          finish()
          inner:put(1)
        end)
        t.equal(wait(), true, what .. " " .. i)
        t.join { thread }
      end)
    end
  end
end)

t.test("a handler takes the lock that the main thread waits for, and gives it back", function()
  local lock, order = threading.Lock(), {}
  lock:acquire()
  with_handler(function()
    order[#order + 1] = "begins"
    lock:with(function() order[#order + 1] = "has it" end)
  end, function()
    local thread = at("lock", function()
      signal.raise_signal "USR1"
      t.eventually(function() return order[1] end)
      t.parked(main, "lock")
      lock:release()
    end)
    lock:acquire()
    order[#order + 1] = "main has it"
    t.equal(table.concat(order, ", "), "begins, has it, main has it")
    t.join { thread }
  end)
end)

t.test("a thread gets the lock that the main thread stands in line for while a handler waits for that thread", function()
  local lock = threading.Lock()
  lock:acquire()
  local thread
  with_handler(function() thread:join() end, function()
    threading.start(function()
      t.parked(main, "lock")
      thread = threading.start(function() lock:with(function() end) end)
      t.parked(thread, "lock")
      signal.raise_signal "USR1"
      t.parked(main, "join")
      lock:release()
    end)
    t.equal(lock:acquire(), true)
    lock:release()
  end)
end)

t.test("a handler that notifies the Condition that the main thread waits for ends that wait", function()
  for _, lock in ipairs { threading.Lock(), threading.RLock() } do
    local condition, stop = threading.Condition(lock), false
    with_handler(function()
      for _ = 1, 2 do condition:with(function() stop = true condition:notify_all() end) end
    end, function()
      at("condition", send())
      t.equal(condition:with(function() return condition:wait_for(function() return stop end) end), true)
    end)
  end
end)

t.test("a notified waiter runs handlers while it waits for the lock, and has it in the end", function()
  local condition, called = threading.Condition(threading.Lock()), false
  with_handler(function() called = true end, function()
    local thread = at("condition", function()
      condition:acquire()
      condition:notify()
      signal.raise_signal "USR1"
      t.eventually(function() return called end)
      condition:release()
    end)
    condition:acquire()
    t.equal(condition:wait(), true)
    t.equal(condition:locked(), true)
    condition:release()
    t.join { thread }
  end)
end)

t.test("a wait that a handler outlasts has timed out, and one that does not keeps its deadline", function()
  local event = threading.Event()
  with_handler(function() time.sleep(0.05) end, function()
    at("event", send())
    t.equal(event:wait(0.02), false)
    local from = time.monotonic()
    at("sleep", send())
    time.sleep(0.2)
    t.near(time.monotonic() - from, 0.2, t.limit)
  end)
end)

t.test("what a handler raises is raised where the main thread waits, and the wait is over", function()
  for _, what, wait in each_wait() do
    if what ~= "sleep" then
      with_handler(function() error { "mine" } end, function()
        at(what, send())
        local ok, e = pcall(wait)
        t.equal(ok, false, what)
        t.equal(e[1], "mine", what)
      end)
    end
  end
end)

t.test("what a handler raises is raised in Lua code, with the handler's traceback", function()
  local function handler() error "from the handler" end
  with_handler(handler, function()
    local inside = false
    local thread = threading.start(function()
      t.eventually(function() return inside end)
      signal.raise_signal "USR1"
    end)
    local ok, e = xpcall(function() inside = true while true do end end, function(e) return e end)
    thread:join()
    t.equal(ok, false)
    assert(e:find "from the handler", e)
  end)
end)

t.test("a shared lock, a task of a pool, a command and a pipe are waits, too", function()
  local shared = gilua.multiprocessing.Lock()
  local pool <close> = gilua.futures.ProcessPoolExecutor(1)
  local calls = 0
  local function wait(n) require "gilua.time".sleep(n) return true end
  pool:submit(wait, 0):result()
  with_handler(function() calls = calls + 1 end, function()
    shared:acquire()
    local thread = threading.start(function()
      for want = 1, 5 do
        signal.raise_signal "USR1"
        t.eventually(function() return calls >= want end)
      end
      shared:release()
    end)
    t.equal(shared:acquire(), true)
    t.join { thread }
    t.equal(calls, 5)
    thread = threading.start(send())
    t.equal(pool:submit(wait, 0.05):result(), true)
    t.join { thread }
    thread = threading.start(send())
    t.equal(os.execute "sleep 0.05", true)
    t.join { thread }
    thread = threading.start(send())
    local pipe <close> = io.popen "sleep 0.05; echo yes"
    t.equal(pipe:read(), "yes")
    t.join { thread }
    t.equal(calls, 8)
  end)
end)

t.test("a handler prints while the main thread's own write to that file waits for the reader", function()
  local gate = os.tmpname()
  local script = ([[
    local signal, threading, time = require "gilua.signal", require "gilua.threading", require "gilua.time"
    local t = require "testing"
    signal.signal("USR1", function() os.remove "%s" print "handled" io.stderr:write "handled\n" end)
    threading.start(function() t.parked(threading.main_thread(), "fd") signal.raise_signal "USR1" end)
    io.stdout:setvbuf "no"
    io.write(("x"):rep(1 << 20))
    io.write "\nwritten\n"]]):format(gate)
  local reader = ("{ while [ -e '%s' ]; do sleep 0.01; done; tr -d x; }"):format(gate)
  local text = t.run({ "-e", script }, { stderr = "2>&1 | " .. reader })
  t.equal(select(2, text:gsub("handled\n", "")), 2, text)
  assert(text:find "written", text)
end)

t.finish()
