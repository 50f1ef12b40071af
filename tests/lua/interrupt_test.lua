-- SIGINT interrupts the main thread wherever it is: programs of their own get the signal. Behaviours 43 to 46.
local t = require "testing"

-- ThreadSanitizer holds a signal back until the next call that it knows, which a thread that waits does not make.
if os.getenv("TSAN_OPTIONS") then
  print "ok - nothing is asked of programs under ThreadSanitizer"
  os.exit(true)
end

-- fire() has a shell send the signals; it is started before, so that only its `read` is the gate. fire_at(what) does it
-- from another thread when main is parked for what.
local prologue = [[
  threading, time, queue, gilua = require "gilua.threading", require "gilua.time", require "gilua.queue", require "gilua"
  t = require "testing"
  main = threading.main_thread()
  function killer(script)
    local shell = io.popen("read _ || exit; " .. script:gsub("PID", main.native_id), "w")
    return function() shell:write("go\n") shell:flush() return shell end
  end
  fire = killer "kill -INT PID"
  function fire_at(what)
    return threading.Thread{ target = function() t.parked(main, what) fire() end, daemon = true }:start()
  end
  -- f(...) must be interrupted; says so
  function expect(f, ...)
    local ok, err = pcall(f, ...)
    print(ok, gilua.is_error(err, "interrupted") or err)
  end
]]

local function run(code, options)
  options = options or {}
  options.before = "timeout -s KILL 250 "
  return t.run({ "-e", prologue .. code }, options)
end

-- The program prints just that, nothing on stderr, and its status is 0.
local function prints(want, code)
  local text, status = run(code)
  t.equal(text, want)
  t.equal(status, 0, "status")
end

-- Up to 5.4.2 an error in a close handler is a warning, and the handler is called again.
local close_raises = select(2, pcall(function()
  local _ <close> = setmetatable({}, { __close = function() error("second", 0) end })
  error("first", 0)
end)) == "second"

local waits = {
  { "sleep", "time.sleep(1000)" },
  { "sleep", "coroutine.wrap(function() time.sleep(1000) end)()" },
  { "lock", "lock:acquire()", "lock = threading.Lock() lock:acquire()" },
  { "lock", "lock:acquire(true, 1000)", "lock = threading.Lock() lock:acquire()" },
  { "lock", "local _ <close> = lock:hold()", "lock = threading.Lock() lock:acquire()" },
  { "lock", "lock:with(print)", "lock = threading.Lock() lock:acquire()" },
  { "rlock", "lock:acquire()", "lock = threading.RLock() t.parked(threading.Thread{ daemon = true, target = function() lock:acquire() time.sleep(1000) end }:start(), 'sleep')" },
  { "join", "thread:join()", "thread = threading.Thread{ target = time.sleep, args = { 1000 }, daemon = true }:start()" },
  { "join", "thread:result(1000)", "thread = threading.Thread{ target = time.sleep, args = { 1000 }, daemon = true }:start()" },
  { "queue", "q:get()", "q = queue.Queue()" },
  { "queue", "q:get(true, 1000)", "q = queue.Queue()" },
  { "queue", "q:put(2)", "q = queue.Queue(1) q:put(1)" },
  { "queue join", "q:join()", "q = queue.Queue() q:put(1)" },
  { "event", "event:wait()", "event = threading.Event()" },
  { "condition", "condition:wait()", "condition = threading.Condition() condition:acquire()" },
  { "condition", "condition:wait_for(function() return false end)", "condition = threading.Condition() condition:acquire()" },
  { "semaphore", "semaphore:acquire()", "semaphore = threading.Semaphore(0)" },
  { "barrier", "barrier:wait()", "barrier = threading.Barrier(2)" },
}

for _, wait in ipairs(waits) do
  local what, code, setup = wait[1], wait[2], wait[3] or ""
  t.test("main is interrupted in " .. code .. " (44)", function()
    prints("false\ttrue\nwent on\n", setup .. "\nfire_at '" .. what .. "' expect(function() " .. code .. [[ end)
      time.sleep(0) -- is not interrupted again
      print "went on"
    ]])
  end)
end

local loops = {
  ["an empty loop"] = "fire() while true do end",
  ["a coroutine"] = "fire() local co = coroutine.create(function() while true do end end) error(select(2, coroutine.resume(co)), 0)",
  ["a wrapped coroutine"] = "fire() coroutine.wrap(function() while true do end end)()",
  ["a coroutine of a coroutine"] = "fire() coroutine.wrap(function() coroutine.wrap(function() while true do end end)() end)()",
  ["a callback of gsub"] = "fire() string.gsub('x', 'x', function() while true do end end)",
  ["a comparison of sort"] = "fire() table.sort({ 1, 2 }, function() while true do end end)",
  ["a close handler"] = close_raises -- an interrupt before it runs would call it and end nothing
    and "local _ <close> = setmetatable({}, { __close = function() fire() while true do end end })" or nil,
  ["allocations"] = "fire() while true do local _ = {} end",
  ["calls of C functions"] = "fire() while true do math.abs(1) end",
}

for name, code in pairs(loops) do
  t.test("main is interrupted in " .. name .. ", without other threads", function()
    prints("false\ttrue\nwent on\n", "expect(function() " .. code .. " end) print 'went on'")
  end)
  t.test("main is interrupted in " .. name .. ", beside a thread that computes", function()
    prints("false\ttrue\nwent on\n", [[
      threading.Thread{ daemon = true, target = function() while true do end end }:start()
      expect(function() ]] .. code .. " end) print 'went on'")
  end)
end

t.test("main is interrupted in a wait without other threads", function()
  prints("false\ttrue\n", "expect(function() fire() time.sleep(1000) end)")
end)

t.test("main is interrupted in a wait while a thread computes", function()
  prints("false\ttrue\n", [[
    threading.Thread{ daemon = true, target = function() while true do end end }:start()
    fire_at "sleep"
    expect(time.sleep, 1000)
  ]])
end)

t.test("main is interrupted when the collector is off and at any switch interval", function()
  for _, interval in ipairs { 1e-6, 1 } do
    prints("false\ttrue\n", "collectgarbage 'stop' require('gilua.gil').switch_interval(" .. interval .. [[)
      threading.Thread{ daemon = true, target = function() while true do end end }:start()
      expect(function() fire() while true do end end)
    ]])
  end
end)

t.test("the error object says what it is, and has a traceback where it was handled", function()
  prints("interrupted\tinterrupted by Ctrl-C\tinterrupted: interrupted by Ctrl-C\n", [[
    local ok, e = pcall(function() fire() while true do end end)
    print(e.kind, e.message, tostring(e))
  ]])
end)

t.test("an interrupt that nobody catches ends main with a message, a traceback and status 1", function()
  local text, status = run "local function looping() fire() while true do end end looping()"
  t.equal(text:find("interrupted: interrupted by Ctrl%-C\nstack traceback:\n.*'looping'") ~= nil, true, text)
  t.equal(select(2, text:gsub("stack traceback", "")), 1, text)
  t.equal(status, 1)
end)

t.test("close variables of main run when it is interrupted", function()
  local text, status = run [[
    local _ <close> = setmetatable({}, { __close = function() time.sleep(0.001) print "closed" end })
    fire_at "sleep"
    time.sleep(1000)
  ]]
  t.equal(text:find("closed\n", 1, true) ~= nil, true, text)
  t.equal(status, 1)
end)

for kind, wait in pairs { Thread = "future", Process = "task" } do
  t.test("the scope of a " .. kind .. "PoolExecutor that is left by an interrupt terminates it", function()
    prints("false\tcancelled\tcancelled\n", [[
      local futures = require "gilua.futures"
      local f, g
      local ok = pcall(function()
        local pool <close> = futures.]] .. kind .. [[PoolExecutor { max_workers = 1 }
        f = pool:submit(require "gilua.time".sleep, 1000)
        g = pool:submit(math.abs, -4)
        fire_at "]] .. wait .. [["
        f:result()
      end)
      print(ok, select(2, pcall(f.result, f)).kind, select(2, pcall(g.result, g)).kind)
    ]])
  end)
end

for kind, wait in pairs { Thread = "pool", Process = "task" } do
  t.test("an interrupt amid the wait at the end of the scope of a " .. kind .. "PoolExecutor terminates it", function()
    prints("false\tinterrupted\tcancelled\tcancelled\n", [[
      local futures = require "gilua.futures"
      local f, g
      local ok, err = pcall(function()
        local pool <close> = futures.]] .. kind .. [[PoolExecutor { max_workers = 1 }
        f = pool:submit(require "gilua.time".sleep, 1000)
        g = pool:submit(math.abs, -4)
        fire_at "]] .. wait .. [["
      end)
      print(ok, err.kind, select(2, pcall(f.result, f)).kind, select(2, pcall(g.result, g)).kind)
    ]])
  end)
end

t.test("no thread but main is interrupted", function()
  prints("false\ttrue\nslept\ncomputed\n", [[
    local gate, stop = threading.Event(), false
    local sleeper = threading.start(function() gate:wait() return "slept" end)
    local worker = threading.start(function() while not stop do end return "computed" end)
    t.parked(sleeper, "event")
    fire_at "sleep"
    expect(time.sleep, 1000)
    gate:set()
    stop = true
    print(sleeper:result())
    print(worker:result())
  ]])
end)

t.test("an interrupt during a finalizer is raised after it", function()
  prints("finalized\nfalse\ttrue\n", [[
    expect(function()
      setmetatable({}, { __gc = function()
        fire():close() -- returns when the signal is sent
        for _ = 1, 1000 do math.abs(1) end
        print "finalized"
      end })
      collectgarbage()
      while true do end
    end)
  ]])
end)

t.test("SIGINT while the program reads its script from standard input is told as such", function()
  local fifo = os.tmpname()
  os.execute("rm " .. fifo .. " && mkfifo " .. fifo)
  local text, status = t.run({ "-e", prologue .. "fire_at 'fd'", "-" },
    { before = "timeout -s KILL 250 ", stderr = "<>" .. fifo .. " 2>&1" }) -- it keeps the other end itself
  os.remove(fifo)
  t.equal(text:match("interrupted: interrupted by Ctrl%-C") ~= nil, true, text)
  t.equal(status, 1)
end)

t.test("a second SIGINT within a second ends the program with status 130", function()
  local text, status = run [[
    local begin = killer "while kill -INT PID 2>/dev/null; do :; done"
    setmetatable({}, { __gc = function() begin() while true do end end }) -- nothing is raised there: none is answered
    collectgarbage()
  ]]
  t.equal(text, "")
  t.equal(status, 130)
end)

-- An interrupt that comes between two pcalls is nobody's, and ends it too, with status 1.
t.test("SIGINTs end a program whose main thread catches them while it and another compute", function()
  local _, status = run [[
    threading.start(function() while true do end end)
    local begin = killer "while kill -INT PID 2>/dev/null; do :; done"
    pcall(function() begin() while true do end end)
    while true do pcall(function() while true do end end) end
  ]]
  assert(status == 130 or status == 1, "status " .. status)
end)

t.test("a SIGINT more than a second after the first interrupts again (43)", function()
  prints("false\ttrue\nfalse\ttrue\n", [[
    local again = killer "kill -INT PID"
    expect(function() fire() time.sleep(1000) end)
    local t0 = time.monotonic()
    repeat time.sleep(0.01) until time.monotonic() - t0 > 1.05
    expect(function() again() time.sleep(1000) end)
  ]])
end)

t.test("an interrupt of the wait for threads at the end ends the program", function()
  local text, status = run [[
    threading.start(time.sleep, 1000)
    threading.start(function() while true do end end)
    threading.Thread{ daemon = true, target = function() main:join() fire() time.sleep(1000) end }:start()
    print "end"
  ]]
  t.equal(text:match("^end\n"), "end\n")
  t.equal(status < 128, true, "status " .. status)
end)

for what, wait in pairs {
  sleep = "time.sleep(0.3)",
  lock = "assert(not lock:acquire(true, 0.3))",
  event = "assert(not threading.Event():wait(0.3))",
  queue = "assert(select(2, queue.Queue():get(true, 0.3)) == 'timeout')",
} do
  t.test("40 signals neither shorten nor lengthen a timed wait for: " .. what .. " (46)", function()
    local text, status = run([[
      lock = threading.Lock()
      lock:acquire()
      local many = killer "for i in 1 2 3 4 5 6 7 8 9 10; do kill -URG PID; kill -STOP PID; kill -CONT PID; kill -WINCH PID; sleep 0.005; done"
      many()
      local t0 = time.monotonic()
      ]] .. wait .. [[

      io.write(time.monotonic() - t0)
    ]])
    t.near(tonumber(text) or -1, 0.299, 10, "seconds")
    t.equal(status, 0)
  end)
end

t.test("an interrupted lock is got by the next acquire (45)", function()
  prints("false\ttrue\ntrue\n", [[
    local lock, gate = threading.Lock(), threading.Event()
    local holder = threading.start(function()
      local _ <close> = lock:hold()
      gate:wait()
    end)
    t.parked(holder, "event")
    fire_at "lock"
    expect(lock.acquire, lock)
    gate:set()
    print(lock:acquire())
    holder:join()
  ]])
end)

t.test("Ctrl-C ends the wait for what the script had started, which is said, and the status is 1", function()
  for _, start in ipairs {
    "threading.start(worker)",
    "pool = require('gilua.futures').ThreadPoolExecutor{ max_workers = 1 } pool:submit(worker)",
  } do
    local text, status = run([[
      function worker()
        while main:is_alive() do time.sleep(0.001) end
        fire()
        time.sleep(1000)
      end
    ]] .. start)
    t.equal(text:match(": (interrupted by Ctrl%-C while waiting [^\n]*)\n$"),
      "interrupted by Ctrl-C while waiting for what the script had started", text)
    t.equal(status, 1)
  end
end)

t.finish()
