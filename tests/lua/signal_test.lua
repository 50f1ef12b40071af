-- gilua.signal: handlers in the main thread; wait, pause, alarm, kill; what is refused.
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
local pid = main.native_id
local at, send, with_handler = signals.at, signals.send, signals.with_handler

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
    local rt = 0
    signal.signal("RTMIN", function() rt = rt + 1 end) -- before anybody sends one: its default ends the program
    local sender = threading.start(function()
      for _ = 1, storm do signal.raise_signal "RTMIN" end
      signal.raise_signal "USR1"
    end)
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
      local s, ended = require "gilua.signal", require "gilua.threading".Event()
      over:put(s.getsignal "USR1" .. " " .. s.getsignal "USR2")
      s.signal("TERM", function(name) over:put(name) ended:set() end)
      ready:set()
      ended:wait() -- a pause would miss a signal that comes just before it
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
  t.eventually(function() return called end)
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
