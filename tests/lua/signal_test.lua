-- gilua.signal: handlers in the main thread, amid any wait, which then goes on; wait, pause, alarm, kill; what is refused.
local t = require "testing"

-- ThreadSanitizer holds a signal back until the next call that it knows, which a thread that waits does not make.
if t.tsan then
  print "ok - nothing is asked of programs under ThreadSanitizer"
  os.exit(true)
end

local gilua = require "gilua"
local signal = require "gilua.signal"
local threading, time, queue = gilua.threading, gilua.time, gilua.queue
local main = threading.main_thread()
local pid = main.native_id

-- Calls f in another thread, when main is parked for what.
local function at(what, f)
  return threading.start(function()
    t.parked(main, what)
    f()
  end)
end

local function send(name) return function() signal.raise_signal(name or "USR1") end end

-- The handler of USR1 while body runs.
local function with_handler(f, body)
  local before = signal.signal("USR1", f)
  local ok, e = pcall(body)
  signal.signal("USR1", before)
  if not ok then error(e, 0) end
end

t.test("signal returns what was there before, and getsignal says it", function()
  local function f() end
  t.equal(signal.getsignal "SIGUSR1", "default")
  t.equal(signal.signal("SIGUSR1", f), "default")
  t.equal(signal.getsignal "USR1", f)
  t.equal(signal.signal(10, "ignore"), f)
  t.equal(signal.signal("USR1", "default"), "ignore")
  t.equal(signal.getsignal "USR1", "default")
end)

t.test("a handler gets the name, in the main thread, before raise_signal returns", function()
  local got, where
  with_handler(function(name) got, where = name, threading.current_thread() end, function()
    signal.raise_signal "USR1"
    t.equal(got, "SIGUSR1")
    t.equal(where, main)
    got = nil
    t.equal(signal.kill(pid, "SIGUSR1"), true)
    t.equal(got, "SIGUSR1")
  end)
end)

t.test("a handler runs amid Lua code of the main thread that waits for nothing", function()
  local called = false
  with_handler(function() called = true end, function()
    local thread = threading.start(send())
    while not called do end
    thread:join()
  end)
end)

t.test("an ignored signal does nothing, and a program that it would end goes on", function()
  signal.signal("HUP", "ignore")
  signal.raise_signal "HUP"
  signal.signal("HUP", "default")
end)

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
    local thread = threading.start(send())
    local ok, e = xpcall(function() while true do end end, function(e) return e end)
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
  local script = [[
    local signal, threading, time = require "gilua.signal", require "gilua.threading", require "gilua.time"
    local t = require "testing"
    signal.signal("USR1", function() print "handled" io.stderr:write "handled\n" end)
    threading.start(function() t.parked(threading.main_thread(), "fd") signal.raise_signal "USR1" end)
    io.stdout:setvbuf "no"
    io.write(("x"):rep(1 << 20))
    io.write "\nwritten\n"]]
  local text = t.run({ "-e", script }, { stderr = "2>&1 | { sleep 0.2; tr -d x; }" })
  t.equal(select(2, text:gsub("handled\n", "")), 2, text)
  assert(text:find "written", text)
end)

t.test("one signal's handler never runs amid itself, and is called once for each signal", function()
  local depth, most, calls = 0, 0, 0
  with_handler(function()
    depth = depth + 1
    most = math.max(most, depth)
    if calls == 0 then for _ = 1, 9 do signal.raise_signal "USR1" end end
    calls = calls + 1
    depth = depth - 1
  end, function()
    signal.raise_signal "USR1"
    t.equal(calls, 10)
    t.equal(most, 1)
  end)
end)

t.test("handlers of different signals run amid each other, to a depth, and all are called", function()
  local names, calls, depth, most = {}, {}, 0, 0
  for i = 1, 20 do names[i] = "RTMIN+" .. i end
  for i, name in ipairs(names) do
    signal.signal(name, function()
      depth = depth + 1
      most = math.max(most, depth)
      calls[#calls + 1] = i
      if names[i + 1] then signal.raise_signal(names[i + 1]) end
      depth = depth - 1
    end)
  end
  signal.raise_signal(names[1])
  for _, name in ipairs(names) do signal.signal(name, "default") end
  t.equal(#calls, 20)
  t.near(most, 2, 8)
end)

t.test("a storm of 100000 signals: each is one call, and the waits amid it lose nothing", function()
  local storm = t.hostile and 1000 or 100000
  local calls, items, got = 0, queue.Queue(4), 0
  with_handler(function() calls = calls + 1 end, function()
    local feeder = threading.start(function() for i = 1, 2000 do items:put(i) end items:shutdown() end)
    local sender = threading.start(function()
      for _ = 1, storm do signal.raise_signal "RTMIN" end
      signal.raise_signal "USR1"
    end)
    local rt = 0
    signal.signal("RTMIN", function() rt = rt + 1 end)
    for item in items:items() do got = got + item end
    t.join { feeder, sender }
    t.eventually(function() return rt == storm and calls == 1 end, "all calls: " .. rt)
    signal.signal("RTMIN", "default")
    t.equal(got, 2000 * 2001 // 2)
  end)
end)

t.test("a storm from another process ends, and the last signal is heard", function()
  local calls, last = 0, false
  signal.signal("USR2", function() last = true end)
  with_handler(function() calls = calls + 1 end, function()
    local shell = io.popen(("i=0; while [ $i -lt %d ]; do kill -USR1 %d; i=$((i+1)); done; kill -USR2 %d"):format(
      t.hostile and 100 or 20000, pid, pid))
    shell:close()
    t.eventually(function() return last end)
    t.near(calls, 1, 20000)
  end)
  signal.signal("USR2", "default")
end)

t.test("a handler that computes lets other threads run, and can be interrupted by another signal", function()
  local stop, progress = false, 0
  signal.signal("USR2", function() stop = true end)
  with_handler(function() while not stop do end end, function()
    local thread = threading.start(function()
      for i = 1, 100 do progress = i time.sleep(0) end
      signal.raise_signal "USR2"
    end)
    signal.raise_signal "USR1"
    t.join { thread }
    t.equal(progress, 100)
  end)
  signal.signal("USR2", "default")
end)

t.test("a handler runs in no coroutine of the program: it cannot yield, and the coroutine it came amid goes on", function()
  local ok, e
  with_handler(function() ok, e = pcall(coroutine.yield, 1) end, function()
    local co = coroutine.wrap(function()
      signal.raise_signal "USR1"
      coroutine.yield "mine"
      return "end"
    end)
    t.equal(co(), "mine")
    t.equal(co(), "end")
    t.equal(ok, false)
    assert(e:find "yield", e)
  end)
end)

t.test("a dump says which handler runs, and amid which wait", function()
  local text
  local event = threading.Event()
  with_handler(function()
    local path = os.tmpname()
    local file <close> = io.open(path, "w+")
    gilua.gil.dump(file)
    file:seek "set"
    text = file:read "a"
    os.remove(path)
    event:set()
  end, function()
    at("event", function() signal.raise_signal "USR1" end)
    event:wait()
    assert(text:find "runs the handler of SIGUSR1\n  amid a wait for event", text)
  end)
end)

t.test("a signal amid a finalizer waits for its end", function()
  local inside, order = false, {}
  with_handler(function() order[#order + 1] = inside and "amid" or "after" end, function()
    setmetatable({}, { __gc = function()
      inside = true
      signal.raise_signal "USR1"
      for _ = 1, 1000 do end
      inside = false
    end })
    collectgarbage()
    t.eventually(function() return order[1] end)
    t.equal(order[1], "after")
  end)
end)

t.test("a handler forks: a Process and a task that it starts work, and have its signals at their defaults", function()
  local code, answer
  local event = threading.Event()
  with_handler(function()
    local p = gilua.multiprocessing.Process { target = function()
      local s = require "gilua.signal"
      os.exit(s.getsignal "USR1" == "default" and 5 or 6)
    end }
    p:start()
    p:join()
    code = p.exitcode
    local pool <close> = gilua.futures.ProcessPoolExecutor(1)
    answer = pool:submit(function() return require "gilua.signal".getsignal "USR1" end):result()
    event:set()
  end, function()
    at("event", send())
    t.equal(event:wait(t.limit), true)
    t.equal(code, 5)
    t.equal(answer, "default")
  end)
end)

t.test("workers and Processes do not inherit handlers, nor what is ignored, and a Process has handlers of its own", function()
  signal.signal("USR2", "ignore")
  with_handler(print, function()
    local ready, over = gilua.multiprocessing.Event(), gilua.multiprocessing.Queue()
    local p = gilua.multiprocessing.Process { target = function()
      local s = require "gilua.signal"
      over:put(s.getsignal "USR1" .. " " .. s.getsignal "USR2")
      s.signal("TERM", function(name) over:put(name) end)
      ready:set()
      s.pause()
    end }
    p:start()
    t.equal(over:get(), "default default")
    ready:wait()
    p:terminate()
    t.equal(over:get(), "SIGTERM")
    p:join()
    t.equal(p.exitcode, 0)
  end)
  signal.signal("USR2", "default")
end)

t.test("a command has the defaults, also of what the program ignores", function()
  signal.signal("USR2", "ignore")
  local pipe <close> = io.popen "kill -USR2 $$; echo ignored"
  local text = pipe:read "a"
  signal.signal("USR2", "default")
  t.equal(text, "")
end)

t.test("wait takes a signal in any thread, without its handler", function()
  local called = false
  with_handler(function() called = true end, function()
    at("signal", send())
    t.equal(signal.wait("USR1"), "SIGUSR1")
    local got
    local thread = threading.start(function() got = signal.wait({ "USR2", "USR1" }, 100) end)
    t.parked(thread, "signal")
    signal.raise_signal "USR2"
    t.join { thread }
    t.equal(got, "SIGUSR2")
    t.equal(called, false)
  end)
  local name, reason = signal.wait({ "USR1" }, 0.01)
  t.equal(name, nil)
  t.equal(reason, "timeout")
  t.equal(select(2, signal.wait("USR1", 0)), "timeout")
  t.equal(signal.getsignal "USR1", "default")
end)

t.test("a wait for a signal can be cancelled", function()
  local thread = threading.start(function() signal.wait "USR1" end)
  t.parked(thread, "signal")
  thread:cancel()
  t.raises_kind("cancelled", thread.result, thread)
end)

t.test("pause ends when a handler has been called, in any thread", function()
  with_handler(function() end, function()
    local thread = threading.start(function() return signal.pause() end)
    t.parked(thread, "pause")
    at("pause", send())
    t.equal(signal.pause(), true)
    t.equal(thread:result(), true)
    t.equal(signal.pause(0.01), false)
  end)
end)

t.test("alarm sends SIGALRM after a time, and says what was left of the last one", function()
  local called = false
  signal.signal("ALRM", function() called = true end)
  t.equal(signal.alarm(1000), 0)
  t.near(signal.alarm(0), 900, 1000)
  signal.alarm(0.02)
  t.equal(signal.pause(t.limit), true)
  t.equal(called, true)
  signal.signal("ALRM", "default")
end)

t.test("kill says what went wrong, and looks whether a process is there", function()
  local ok, message, code = signal.kill(0x7ffffffe, 0)
  t.equal(ok, nil)
  t.equal(code, 3)
  assert(#message > 0)
  t.equal(signal.kill(pid, 0), true)
end)

t.test("names lists what can be handled, and each of them can", function()
  local there = {}
  for _, name in ipairs(signal.names()) do
    there[name] = true
    t.equal(type(name), "string")
    t.equal(signal.getsignal(name) ~= "", true)
  end
  t.equal(there.SIGTERM and there.SIGINT and there["SIGRTMIN+1"] and not there.SIGKILL and not there.SIGSEGV, true)
end)

t.test("what cannot be handled is refused by name, and other mistakes are said", function()
  local function refused(pattern, ...)
    local ok, e = pcall(...)
    t.equal(ok, false)
    assert(tostring(e):find(pattern), e)
  end
  refused("SIGKILL cannot be handled", signal.signal, "KILL", print)
  refused("SIGSTOP cannot be handled", signal.wait, { "STOP" })
  refused("SIGSEGV means a fault", signal.signal, 11, print)
  if not t.polls then refused("SIGURG belongs to gilua", signal.signal, "URG", print) end
  refused("unknown signal 'SIGNONE'", signal.signal, "SIGNONE", print)
  refused("no signal has the number 0", signal.getsignal, 0)
  refused("no signal has the number 1000", signal.raise_signal, 1000)
  refused("no signal has the number 1.5", signal.getsignal, 1.5)
  refused("expected", signal.signal, "TERM", 1)
  refused("expected", signal.signal, "TERM", "Default")
  refused("expected, got no value", signal.signal)
  refused("names no signal", signal.wait, {})
  refused("negative", signal.wait, "USR1", -1)
  refused("from 0", signal.alarm, -1)
  refused("process", signal.kill, 1 << 40, 0)
  local thread = threading.start(pcall, signal.signal, "USR1", print)
  local ok, e = thread:result()
  t.equal(ok, false)
  assert(e:find "main thread", e)
end)

t.test("a handler for SIGINT replaces Ctrl-C, and `default` brings it back", function()
  local calls = 0
  t.equal(signal.signal("INT", function() calls = calls + 1 end), "default")
  signal.raise_signal "INT"
  signal.raise_signal "INT" -- a second one within a second ends nothing
  t.equal(calls, 2)
  signal.signal("INT", "default")
  t.raises_kind("interrupted", signal.raise_signal, "INT")
end)

t.test("while a signal is heard, that all threads wait is no deadlock", function()
  local event = threading.Event()
  with_handler(function() event:set() end, function()
    local shell = io.popen("sleep 0.1; kill -USR1 " .. pid)
    t.equal(event:wait(), true)
    shell:close()
  end)
end)

t.test("a handler runs while the main thread waits for other threads at the end, and may end that", function()
  local program = [[
    local signal, threading, time = require "gilua.signal", require "gilua.threading", require "gilua.time"
    local t = require "testing"
    local main, stop = threading.main_thread(), false
    signal.signal("TERM", function() print "drains" stop = true end)
    threading.start(function()
      time.sleep(0.05)
      signal.raise_signal "TERM"
      while not stop do time.sleep(0.001) end
      print "drained"
    end)]]
  local text, status = t.run { "-e", program }
  t.equal(text, "drains\ndrained\n")
  t.equal(status, 0)
end)

t.finish()
