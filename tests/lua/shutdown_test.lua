-- The end of a program with threads, each in a process of its own. Behaviours 13, 14 and 16 to 18. os.exit is in
-- exit_test.lua.
local t = require "testing"

-- Up to 5.4.2 an error in a close handler is a warning, and the handler is called again.
local close_raises = select(2, pcall(function()
  local _ <close> = setmetatable({}, { __close = function() error("second", 0) end })
  error("first", 0)
end)) == "second"

-- Runs code after a prologue: the output with all errors, and the status. A program that hangs is killed.
local prologue = [[
  threading, time, queue, gilua = require "gilua.threading", require "gilua.time", require "gilua.queue", require "gilua"
  t = require "testing"
]]
local function run(code, options)
  options = options or {}
  options.before = "timeout -s KILL 250 "
  return t.run({ "-W", "-e", prologue .. code }, options)
end

-- The program prints just that, nothing on stderr, and its status is 0.
local function prints(want, code, options)
  local text, status = run(code, options)
  t.equal(text, want)
  t.equal(status, 0, "status")
end

t.test("when main ends, threads complete with all that they use (16)", function()
  prints("main ends\nworker: a global, ABC, 3\n", [[
    value = "a global"
    local main = threading.main_thread()
    threading.start(function()
      main:join() -- main has ended
      time.sleep(0.01)
      local list <const> = require("gilua.queue").Queue()
      for i = 1, 3 do list:put(i) end
      print("worker: " .. value .. ", " .. ("abc"):upper() .. ", " .. list:qsize())
    end)
    print "main ends"
  ]])
end)

t.test("threads that are started after main has ended are waited for, too", function()
  prints("1 2 3 4 5 ", [[
    local function chain(n)
      threading.main_thread():join()
      io.write(n, " ")
      if n < 5 then threading.start(chain, n + 1) end
    end
    threading.start(chain, 1)
  ]])
end)

t.test("when main has ended it can be joined and is not alive", function()
  prints("true\tfalse\n", [[
    local main = threading.main_thread()
    threading.start(function()
      local joined = main:join(t.limit)
      print(joined, main:is_alive())
    end)
  ]])
end)

t.test("a thread that fails after the end of main is reported, and the status is 0", function()
  local text, status = run [[
    threading.Thread{ name = "late", target = function()
      threading.main_thread():join()
      error("too late", 0)
    end }:start()
  ]]
  t.equal(text:match("^error in thread 'late': too late\nstack traceback:\n") ~= nil, true, text)
  t.equal(status, 0)
end)

t.test("an error in main is reported at once, threads complete, and the status is 1", function()
  local text, status = run [[
    local reported = threading.Event()
    threading.start(function()
      threading.main_thread():join()
      print "worker completes"
    end)
    error("main fails", 0)
  ]]
  t.equal(text:find("main fails\nstack traceback:.*worker completes\n$") ~= nil, true, text)
  t.equal(select(2, text:gsub("main fails", "")), 1)
  t.equal(status, 1)
end)

t.test("daemons do not keep the program, whatever they do, and print nothing", function()
  prints("end\n", [[
    local lock, q = threading.Lock(), queue.Queue()
    lock:acquire()
    local daemons = {}
    local function daemon(f, ...) daemons[#daemons + 1] = threading.Thread{ target = f, args = { ... }, daemon = true }:start() end
    daemon(time.sleep, 1000)
    daemon(lock.acquire, lock)
    daemon(q.get, q)
    daemon(q.get, q, true, 1000)
    daemon(daemons[1].join, daemons[1])
    daemon(function() threading.Event():wait() end)
    t.parked(daemons)
    daemon(function() while true do end end)
    daemon(function() coroutine.wrap(function() while true do end end)() end)
    daemon(function() while true do local _ = {} end end)
    print "end"
  ]])
end)

t.test("the <close> variables of cancelled daemons run", function()
  prints("end\nsleeper's inner\nsleeper's outer\n", [[
    local function closing(name) return setmetatable({}, { __close = function() print(name) end }) end
    local daemon = threading.Thread{ daemon = true, target = function()
      local _ <close> = closing "sleeper's outer"
      local _ <close> = closing "sleeper's inner"
      time.sleep(1000)
    end }:start()
    t.parked(daemon, "sleep")
    print "end"
  ]])
end)

t.test("daemons that swallow the cancel do not keep the program", function()
  prints("end\n", [[
    local ready = threading.Barrier(6)
    local function daemon(f)
      threading.Thread{ daemon = true, target = function()
        ready:wait()
        f()
      end }:start()
    end
    daemon(function() while true do pcall(function() while true do end end) end end)
    daemon(function() while true do pcall(time.sleep, 1000) end end)
    daemon(function() while true do coroutine.resume(coroutine.create(function() while true do end end)) end end)
    daemon(function() while true do pcall(function() for i = 1, 100 do math.abs(i) end end) end end)
    daemon(function()
      local _ <close> = setmetatable({}, { __close = function() while true do pcall(time.sleep, 1000) end end })
      time.sleep(1000)
    end)
    ready:wait()
    print "end"
  ]])
end)

t.test("40 daemons that do file I/O leave exit status and stderr clean (17)", function()
  for _ = 1, 3 do
    prints("end\n", [[
      local ready = threading.Barrier(41)
      for i = 1, 40 do
        threading.Thread{ daemon = true, target = function()
          ready:wait()
          while true do
            for line in io.lines("/proc/self/status") do assert(#line > 0) end
            local f <close> = assert(io.open("/dev/null", "w"))
            f:write(("x"):rep(1000))
            if i % 2 == 0 then time.sleep(0.0001) end
          end
        end }:start()
      end
      ready:wait()
      print "end"
    ]])
  end
end)

t.test("a daemon that cannot get rid of what it writes does not keep the program", function()
  local name = os.tmpname()
  os.remove(name)
  prints("end\n", string.format([[
    assert(os.execute "mkfifo %s")
    local f = io.open("%s", "r+")
    for _ = 1, 16 do f:write(("x"):rep(4096)) end -- what a pipe takes
    f:flush()
    local daemon = threading.Thread{ daemon = true, target = function() f:write("left in the buffer") f:flush() end }:start()
    t.parked(daemon, "fd")
    print "end"
  ]], name, name))
  os.remove(name)
end)

t.test("work that is started while the runtime closes is refused with an error object", function()
  prints("finalizing\n", [[
    local daemon = threading.Thread{ daemon = true, target = function()
      local _ <close> = setmetatable({}, { __close = function()
        local ok, err = pcall(threading.start, print, "not printed")
        print(gilua.is_error(err) and err.kind or err)
      end })
      time.sleep(1000)
    end }:start()
    t.parked(daemon, "sleep")
  ]])
end)

t.test("finalizers run at the end, after the threads, each once", function()
  prints("thread\ngc 1\ngc 2\n", [[
    kept = {}
    for i = 2, 1, -1 do kept[i] = setmetatable({}, { __gc = function() print("gc " .. i) end }) end
    threading.start(function()
      threading.main_thread():join()
      print "thread"
    end)
  ]])
end)

t.test("a wait in a finalizer is refused, also at the end", function()
  prints("invalid_state\ninvalid_state\ntrue\n", [[
    local lock = threading.Lock()
    lock:acquire()
    local function kind(f, ...) return select(2, pcall(f, ...)).kind end
    kept = setmetatable({}, { __gc = function()
      print(kind(time.sleep, 1))
      print(kind(lock.acquire, lock))
      lock:release()
      print(lock:acquire()) -- needs no wait
    end })
  ]])
end)

t.test("a thread-local with a slow finalizer delays the end, and breaks nothing (18)", function()
  prints("finalized\nfinalized\n", [[
    store = threading.Local()
    local function slow() return setmetatable({}, { __gc = function()
      local t0 = time.monotonic()
      repeat until time.monotonic() - t0 > 0.05
      print "finalized"
    end }) end
    store.value = slow()
    threading.start(function() store.value = slow() end)
  ]])
end)

t.test("errors in finalizers that threads run are warnings", function()
  local text, status = run [[
    local thread = threading.start(function()
      setmetatable({}, { __gc = function() error("in gc", 0) end })
      collectgarbage()
      return "goes on"
    end)
    print(thread:result())
  ]]
  t.equal(text:match("^Lua warning: error in __gc.- %(in gc%)\ngoes on\n$"), text)
  t.equal(status, 0)
end)

t.test("an error in a close handler is the error of its thread", function()
  if not close_raises then return end
  local text, status = run [[
    local thread = threading.Thread{ name = "closer", target = function()
      local _ <close> = setmetatable({}, { __close = function() error("in close", 0) end })
      error("before", 0)
    end }:start()
    thread:join()
  ]]
  t.equal(text:match("^error in thread 'closer': in close\n") ~= nil, true, text)
  t.equal(text:find("before", 1, true), nil)
  t.equal(status, 0)
end)

t.test("an error in the close handler of a cancelled daemon is reported, and the end goes on", function()
  if not close_raises then return end
  local text, status = run [[
    local daemon = threading.Thread{ name = "closer", daemon = true, target = function()
      local _ <close> = setmetatable({}, { __close = function() error("in close", 0) end })
      time.sleep(1000)
    end }:start()
    t.parked(daemon)
  ]]
  t.equal(text:match("^error in thread 'closer': in close\n") ~= nil, true, text)
  t.equal(status, 0)
end)

t.test("a closed stderr is no trouble at the end (14)", function()
  prints("end\n", [[
    threading.start(error, "lost")
    threading.Thread{ target = time.sleep, args = { 1000 }, daemon = true }:start()
    kept = setmetatable({}, { __gc = function() error("lost") end })
    threading.start(function()
      threading.main_thread():join()
      error("lost, too")
    end):join(0.001)
    print "end"
  ]], { stderr = "2>&-" })
end)

t.test("a program that ends while its threads end is clean, whatever the switch interval", function()
  for _, interval in ipairs { "1e-6", "1e-4", "5e-3" } do
    for _ = 1, 8 do
      prints("", [[
        require("gilua.gil").switch_interval(]] .. interval .. [[)
        local gate = threading.Event()
        for i = 1, 12 do
          threading.Thread{ daemon = i % 3 == 0, target = function()
            gate:wait()
            for k = 1, i * 50 do local _ = { k } end
          end }:start()
        end
        gate:set()
      ]])
    end
  end
end)

t.test("main may end inside of what its threads wait for", function()
  prints("got it\n", [[
    local lock = threading.Lock()
    local _ <close> = lock:hold()
    t.parked(threading.start(function()
      local _ <close> = lock:hold()
      print "got it"
    end), "lock")
  ]])
end)

t.finish()
