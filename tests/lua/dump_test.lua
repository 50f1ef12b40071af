-- gil.dump and SIGQUIT: every thread's traceback, what it waits for and what it holds.
local t = require "testing"
local threading = require "gilua.threading"
local queue = require "gilua.queue"
local time = require "gilua.time"
local gil = require "gilua.gil"

local function dump()
  local path = os.tmpname()
  t.equal(gil.dump(path), true)
  local f <close> = io.open(path)
  local text = f:read("a")
  os.remove(path)
  return text
end

-- The part of a dump about the thread of that name.
local function part(text, name)
  for section in (text .. "\n\n"):gmatch("(.-)\n\n") do
    if section:find(name .. " (ident", 1, true) == 1 then return section end
  end
  error("no thread '" .. name .. "' in\n" .. text, 2)
end

-- Runs f in a thread of that name until it waits for `what`; returns its part of a dump, and ends it by a cancel.
local function waiting(name, what, f)
  local thread = threading.Thread { target = pcall, args = { f }, name = name }:start()
  t.parked(thread, what)
  local text = part(dump(), name)
  thread:cancel()
  t.join { thread }
  return text
end

t.test("the thread that dumps has the lock, and its traceback has its functions", function()
  local function named_function() return (dump()) end
  local text = part(named_function(), "MainThread")
  t.equal(text:match("^MainThread %(ident 1, native id %d+%): has the lock\n") ~= nil, true, text)
  t.equal(text:find("dump_test.lua:%d+: in ") ~= nil, true, text)
  t.equal(text:find("main chunk", 1, true) ~= nil, true, text)
end)

for what, wait in pairs {
  event = function() threading.Event():wait() end,
  queue = function() queue.Queue():get() end,
  semaphore = function() threading.Semaphore(0):acquire() end,
  condition = function() local c = threading.Condition() c:acquire() c:wait() end,
} do
  t.test("a thread that waits for a " .. what .. " is shown with where and how long", function()
    local text = waiting("waiter", what, wait)
    t.equal(text:match("%): waits for " .. what .. " 0x%x+, for [%d.]+ m?s\n") ~= nil, true, text)
    t.equal(text:find("dump_test.lua:%d+: in ") ~= nil, true, text)
  end)
end

t.test("a dump has no control characters of names, and is UTF-8", function()
  local section
  local function f() section = dump() end
  local named = load("return function(f) f() end", "=from\27[2J\xff")()
  t.join { threading.Thread { target = named, args = { f }, name = "a\nb\27[31m\xc2\x9bc\xffé" }:start() }
  t.equal(section:find("%f[%g]a\u{FFFD}b\u{FFFD}%[31m\u{FFFD}c\u{FFFD}é %(ident") ~= nil, true, section)
  t.equal(section:find("from\u{FFFD}[2J\u{FFFD}:1:", 1, true) ~= nil, true, section)
  t.equal(section:find "\27", nil, section)
  t.equal(utf8.len(section) ~= nil, true, section)
end)

t.test("a timed wait is shown with what is left of it", function()
  local text = waiting("sleeper", "sleep", function() time.sleep(1000) end)
  t.equal(text:match("waits for sleep, for [%d.]+ m?s, at most %d+%.%d+ s more\n") ~= nil, true, text)
end)

t.test("a thread that waits for a lock is shown with who has it", function()
  local lock = threading.RLock()
  local _ <close> = lock:hold()
  local text = waiting("second", "rlock", function() lock:acquire() end)
  t.equal(text:match("waits for rlock 0x%x+ of MainThread, ") ~= nil, true, text)
end)

t.test("a join is shown with the thread that is waited for", function()
  local target = threading.Thread { target = function() pcall(time.sleep, 1000) end, name = "target" }:start()
  t.parked(target)
  local text = waiting("joiner", "join", function() target:join() end)
  target:cancel()
  t.join { target }
  t.equal(text:match("waits for join 0x%x+ of target, ") ~= nil, true, text)
end)

t.test("the locks that a thread holds are listed, however it got them", function()
  local a, b, c = threading.Lock(), threading.RLock(), threading.Condition()
  local function held() return select(2, part(dump(), "MainThread"):gsub("\n  holds r?lock 0x%x+", "")) end
  t.equal(held(), 0)
  a:acquire()
  t.equal(held(), 1)
  b:with(function()
    b:acquire() -- again: once is enough
    t.equal(held(), 2)
    b:release()
  end)
  t.equal(held(), 1)
  do
    local _ <close> = c:hold()
    t.equal(held(), 2)
  end
  t.equal(held(), 1)
  a:release()
  t.equal(held(), 0)
end)

t.test("a lock that was handed over is held by who got it, and not by who had it", function()
  local lock, gate = threading.Lock(), threading.Event()
  lock:acquire()
  local thread = threading.Thread { target = function() lock:acquire() gate:wait() lock:release() end, name = "heir" }:start()
  t.parked(thread, "lock")
  lock:release()
  t.parked(thread, "event")
  local text = dump()
  t.equal(part(text, "heir"):find("holds lock", 1, true) ~= nil, true, text)
  t.equal(part(text, "MainThread"):find("holds", 1, true), nil, text)
  gate:set()
  t.join { thread }
end)

t.test("a Lock that another thread releases is not held any more", function()
  local lock = threading.Lock()
  lock:acquire()
  threading.start(function() lock:release() end):join()
  t.equal(part(dump(), "MainThread"):find("holds", 1, true), nil)
end)

t.test("more locks than are shown one by one are counted", function()
  local locks = {}
  for i = 1, 20 do
    locks[i] = threading.Lock()
    locks[i]:acquire()
  end
  t.equal(part(dump(), "MainThread"):find("holds 12 more locks", 1, true) ~= nil, true)
  for i = 1, 20 do locks[i]:release() end
  t.equal(part(dump(), "MainThread"):find("holds", 1, true), nil)
end)

t.test("a coroutine is shown, and what is below it", function()
  local text = coroutine.wrap(function() local text = dump() return text end)()
  t.equal(part(text, "MainThread"):find("\n  below that coroutine:\n", 1, true) ~= nil, true, text)
end)

t.test("a deep stack is cut in the middle", function()
  local text
  local function deep(n)
    if n == 0 then text = dump() else deep(n - 1) end
    return n
  end
  deep(1000)
  t.equal(part(text, "MainThread"):match("%.%.%. %(%d+ more%)") ~= nil, true)
  t.near(#part(text, "MainThread"), 500, 10000)
end)

t.test("threads that compute are shown too", function()
  local stop = false
  local running = {}
  local threads = t.start(3, function(i)
    running[i] = true
    while not stop do end
  end)
  while not (running[1] and running[2] and running[3]) do end
  local text = dump()
  stop = true
  t.join(threads)
  t.equal(select(2, text:gsub("stands in line for the lock", "")), 3, text)
end)

t.test("a file handle is written to, and stays open", function()
  local path = os.tmpname()
  local f <close> = io.open(path, "w")
  f:write("before\n")
  t.equal(gil.dump(f), true)
  f:write("after\n")
  f:close()
  local g <close> = io.open(path)
  local text = g:read("a")
  os.remove(path)
  t.equal(text:match("^before\ngilua: 1 thread\n.*after\n$") ~= nil, true, text)
end)

t.test("what cannot be written is nil and a message", function()
  t.equal(select(2, gil.dump("/nonexistent/x")), "/nonexistent/x: No such file or directory")
  t.equal(select(2, gil.dump("/dev/full")), "/dev/full: No space left on device")
end)

t.test("a wrong argument is an error", function()
  t.raises("file or path expected", gil.dump, {})
  local f = io.tmpfile()
  f:close()
  t.raises("the file is closed", gil.dump, f)
end)

t.test("dumps of threads that start, wait and end all the time do not disturb them", function()
  local stop = false
  local threads = t.start(3, function()
    while not stop do threading.start(function() local l <close> = threading.RLock():hold() time.sleep(0.0001) end):join() end
  end)
  t.at_intervals(function() for _ = 1, 30 do dump() end end, { 1e-6, 2e-4 })
  stop = true
  t.join(threads)
end)

-- ThreadSanitizer holds a signal back until the next call that it knows.
if not os.getenv("TSAN_OPTIONS") then
  -- Runs a program, which can wait until `what` is in a dump on its stderr. Returns all it wrote, and its status.
  local function run(code)
    local path = os.tmpname()
    local text, status = t.run({ "-e", "path = '" .. path .. [[' time = require "gilua.time"
      function wait_for_dump(what)
        repeat
          time.sleep(0.001)
          local f <close> = io.open(path)
        until f:read("a"):find(what)
      end ]] .. code }, { before = "timeout -s KILL 250 ", stderr = "2>" .. path })
    local f <close> = io.open(path)
    os.remove(path)
    return f:read("a") .. text, status
  end

  local function quit(code) return run([[
    threading, time, queue = require "gilua.threading", require "gilua.time", require "gilua.queue"
    main = threading.main_thread()
    -- a shell sends the signal when main waits for `what`, then ends the program by an event
    function quit_at(what, event, dumped)
      return threading.Thread{ daemon = true, name = "sender", target = function()
        while main.waits_for ~= what do time.sleep(0.001) end
        io.popen("kill -QUIT " .. main.native_id):close()
        wait_for_dump(dumped)
        event:set()
      end }:start()
    end ]] .. code)
  end

  t.test("SIGQUIT writes a dump to stderr while every thread waits, and the program goes on", function()
    local text, status = quit "e = threading.Event() quit_at('event', e, 'for event') e:wait() print 'went on'"
    t.equal(text:match("gilua: 2 threads\n\nMainThread .-waits for event") ~= nil, true, text)
    t.equal(text:match("went on\n$") ~= nil, true, text)
    t.equal(status, 0)
  end)

  t.test("SIGQUIT writes one while a thread computes", function()
    local text, status = quit [[
      stop, begun, e = false, false, threading.Event()
      threading.Thread{ name = "computes", target = function() begun = true while not stop do end end }:start()
      while not begun do time.sleep(0.001) end
      quit_at("event", e, "computes %(.*stands in line") e:wait() stop = true print 'went on']]
    t.equal(text:match("computes %(.-stands in line for the lock") ~= nil, true, text)
    t.equal(text:match("went on\n$") ~= nil, true, text)
    t.equal(status, 0)
  end)

  t.test("SIGQUIT in a program that has only its main thread", function()
    local text, status = run "io.popen('kill -QUIT $PPID'):close() wait_for_dump 'MainThread' print 'went on'"
    t.equal(text:match("gilua: 1 thread\n\nMainThread.*went on\n$") ~= nil, true, text)
    t.equal(status, 0)
  end)
end

t.finish()
