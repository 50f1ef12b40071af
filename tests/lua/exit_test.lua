-- os.exit, in main and in other threads, each in a process of its own.
local t = require "testing"

-- Runs code after a prologue: the output with all errors, and the status. A program that hangs is killed.
local prologue = [[
  threading, time, queue, gilua = require "gilua.threading", require "gilua.time", require "gilua.queue", require "gilua"
  t = require "testing"
  function closing(name) return setmetatable({}, { __close = function() print("close " .. name) end }) end
  function finalized(name) return setmetatable({}, { __gc = function() print("gc " .. name) end }) end
]]
local function run(code, options)
  options = options or {}
  options.before = "timeout -s KILL 250 "
  return t.run({ "-W", "-e", prologue .. code }, options)
end

local function exits(want_text, want_status, code)
  local text, status = run(code)
  t.equal(text, want_text)
  t.equal(status, want_status, "status")
end

-- Ways for main to be busy or waiting while another thread exits.
local mains = {
  ["computes"] = "while true do end",
  ["computes in a coroutine"] = "coroutine.wrap(function() while true do end end)()",
  ["sleeps"] = "time.sleep(1000)",
  ["waits for a lock"] = "local lock = threading.Lock() lock:acquire() lock:acquire()",
  ["waits in a queue"] = "queue.Queue():get()",
  ["joins a thread"] = "threading.start(time.sleep, 1000):join()",
  ["has pcalls"] = "while true do pcall(time.sleep, 1000) pcall(function() while true do end end) end",
  ["has ended"] = "",
}

for name, code in pairs(mains) do
  t.test("os.exit in a thread ends the program with its status while main " .. name, function()
    exits("exiting\n", 7, [[
      local gate = threading.Event()
      threading.start(function()
        gate:wait()
        print "exiting"
        os.exit(7)
      end)
      gate:set()
    ]] .. code)
  end)
end

t.test("os.exit in a thread takes true, false, and nothing", function()
  local function exit(args) return "threading.start(function() os.exit(" .. args .. ") end):join()" end
  exits("", 0, exit "")
  exits("", 0, exit "true")
  exits("", 1, exit "false")
  exits("", 255, exit "255")
  exits("", 3, exit "3, true")
end)

t.test("os.exit in a thread cannot be caught there", function()
  exits("", 4, [[
    threading.start(function()
      pcall(os.exit, 4)
      print "went on"
    end):join()
  ]])
end)

t.test("os.exit in a coroutine of a thread ends the program", function()
  exits("", 5, [[threading.start(coroutine.wrap(function() os.exit(5) end)):join()]])
end)

t.test("os.exit in a daemon ends the program", function()
  exits("", 6, [[threading.Thread{ target = os.exit, args = { 6 }, daemon = true }:start():join()]])
end)

t.test("os.exit in a finalizer that a thread runs ends the program", function()
  exits("before\n", 9, [[
    print "before"
    threading.start(function()
      setmetatable({}, { __gc = function() os.exit(9) end })
      collectgarbage()
      print "went on"
    end):join()
  ]])
end)

t.test("os.exit in a thread with close runs main's close variables and the finalizers", function()
  exits("close main\ngc object\n", 2, [[
    object = finalized "object"
    local _ <close> = closing "main"
    threading.start(function() os.exit(2, true) end)
    time.sleep(1000)
  ]])
end)

t.test("os.exit in a thread without close runs neither", function()
  exits("", 2, [[
    object = finalized "object"
    local _ <close> = closing "main"
    threading.start(function() os.exit(2) end)
    time.sleep(1000)
  ]])
end)

t.test("os.exit in main does not wait for threads", function()
  exits("", 3, [[
    local threads = { threading.start(time.sleep, 1000) }
    threads[2] = threading.start(function() threading.Event():wait() end)
    t.parked(threads)
    threading.start(function() while true do end end)
    os.exit(3)
  ]])
  exits("", 0, "threading.start(time.sleep, 1000) os.exit()")
  exits("", 1, "threading.start(time.sleep, 1000) os.exit(false)")
end)

t.test("os.exit in main with close cancels the threads, and closes", function()
  exits("close thread\nclose main\ngc object\n", 3, [[
    object = finalized "object"
    local _ <close> = closing "main"
    t.parked(threading.start(function()
      local _ <close> = closing "thread"
      time.sleep(1000)
    end))
    os.exit(3, true)
  ]])
end)

t.test("os.exit in main with close ends although threads refuse to", function()
  exits("", 3, [[
    for _ = 1, 3 do
      threading.start(function() while true do pcall(function() while true do end end) end end)
      threading.start(function() while true do pcall(time.sleep, 1000) end end)
    end
    os.exit(3, true)
  ]])
end)

-- What main may wait for in a variable that os.exit closes, when nobody else runs Lua any more.
local last_waits = {
  ["an Event"] = "event:wait()",
  ["a Condition"] = "condition:with(condition.wait, condition)",
  ["a Semaphore"] = "threading.Semaphore(0):acquire()",
  ["a Barrier"] = "threading.Barrier(2):wait()",
  ["a queue"] = "queue.Queue():get()",
  ["futures"] = "futures.wait { future }",
}
-- The same, for what the thread that has called os.exit could bring: that it never will is known, though a signal is heard.
local waits_for_the_thread = {
  ["its lock"] = "lock:acquire()",
  ["its RLock"] = "rlock:acquire()",
  ["its end"] = "thread:join()",
  ["its result"] = "thread:result()",
  ["its future"] = "future:result()",
  ["the module that it loads"] = "require 'loading'",
}

local function exits_though_main_waits(wait, before)
  exits("deadlock\n", 7, before .. [[
    futures = gilua.futures
    event, lock, rlock, condition = threading.Event(), threading.Lock(), threading.RLock(), threading.Condition()
    local last <close> = setmetatable({}, { __close = function()
      local ok, e = pcall(function() ]] .. wait .. [[ end)
      print(not ok and e.kind)
    end })
    local named = threading.Event()
    package.preload.loading = function()
      lock:acquire()
      rlock:acquire()
      named:wait()
      os.exit(7, true)
    end
    pool = futures.ThreadPoolExecutor(1)
    future = pool:submit(function()
      thread = threading.current_thread()
      require "loading"
    end)
    named:set()
    time.sleep(1000)
  ]])
end

for name, wait in pairs(last_waits) do
  t.test("os.exit with close ends though main waits for " .. name, function() exits_though_main_waits(wait, "") end)
end

for name, wait in pairs(waits_for_the_thread) do
  t.test("os.exit with close in a thread ends though main waits for " .. name, function()
    exits_though_main_waits(wait, "")
    exits_though_main_waits(wait, "gilua.signal.signal('TERM', print) ")
  end)
end

t.test("os.exit with close in a task ends although main closes the pool of that task", function()
  for _, queued in ipairs { "", "pool:submit(print, 1)" } do
    exits("", 7, [[
      local pool <close> = gilua.futures.ThreadPoolExecutor(1)
      pool:submit(os.exit, 7, true)
    ]] .. queued .. " time.sleep(1000)")
  end
end)

t.test("the first of several exits counts", function()
  for _ = 1, 3 do
    local text, status = run [[
      local gate = threading.Event()
      for i = 11, 20 do threading.start(function() gate:wait() os.exit(i) end) end
      gate:set()
      time.sleep(1000)
    ]]
    t.equal(text, "")
    t.near(status, 11, 20)
  end
end)

t.test("os.exit in a thread and in main at the same time ends the program with one of the two", function()
  for _ = 1, 4 do
    local text, status = run [[
      local gate = threading.Barrier(2)
      threading.start(function() gate:wait() os.exit(11) end)
      gate:wait()
      os.exit(12)
    ]]
    t.equal(text, "")
    t.near(status, 11, 12)
  end
end)

t.test("what a thread has printed is there after os.exit", function()
  local text, status = run [[
    threading.start(function()
      for i = 1, 2000 do print(i) end
      os.exit(1)
    end)
    time.sleep(1000)
  ]]
  t.equal(select(2, text:gsub("\n", "")), 2000)
  t.equal(text:sub(-5), "2000\n")
  t.equal(status, 1)
end)

t.test("wrong arguments of os.exit are errors, in threads too", function()
  local text, status = run [[
    print(threading.start(pcall, os.exit, {}):result())
    print(pcall(os.exit, "x"))
  ]]
  t.equal(select(2, text:gsub("bad argument #1 .-number expected", "")), 2, text)
  t.equal(status, 0)
end)

t.finish()
