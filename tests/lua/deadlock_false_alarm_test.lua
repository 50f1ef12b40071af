-- What is no deadlock, or may not be called one: somebody can still end the wait.
local t = require "testing"
local threading = require "gilua.threading"
local queue = require "gilua.queue"
local time = require "gilua.time"

local function run(script, options)
  return t.run({ "-e", "local threading, queue, time, gil = require 'gilua.threading', require 'gilua.queue', " ..
    "require 'gilua.time', require 'gilua.gil' " .. script }, options)
end

t.test("a timed wait in the cycle: it runs out, nobody is told", function()
  local a, b, gate, got = threading.RLock(), threading.RLock(), threading.Barrier(2), nil
  local timed = threading.start(function()
    local _ <close> = a:hold()
    gate:wait()
    got = b:acquire(true, 0.05)
  end)
  local forever = threading.start(function()
    local _ <close> = b:hold()
    gate:wait()
    a:acquire()
    a:release()
  end)
  t.join { timed, forever }
  t.equal(got, false)
end)

t.test("a wait that only a sleeper will end is none", function()
  local text = run("local e = threading.Event() threading.start(function() time.sleep(0.05) e:set() end) print(e:wait())")
  t.equal(text, "true\n")
end)

t.test("a wait that only a Timer will end is none", function()
  t.equal(run("local e = threading.Event() threading.Timer(0.05, e.set, {e}):start() print(e:wait())"), "true\n")
end)

t.test("a wait that a timed wait elsewhere will end is none", function()
  t.equal(run([[
    local e, q = threading.Event(), queue.Queue()
    threading.start(function() q:get(true, 0.05) e:set() end)
    print(e:wait())]]), "true\n")
end)

t.test("a thread that was cancelled, and has not woken yet, will end others' waits", function()
  t.equal(run([[
    local e, q = threading.Event(), queue.Queue()
    local w = threading.start(function() pcall(q.get, q) e:set() end)
    while not w.waits_for do time.sleep(0.001) end
    w:cancel()
    print(e:wait())]]), "true\n")
end)

t.test("a thread that was cancelled is no member of a cycle", function()
  t.equal(run([[
    local a, b = threading.RLock(), threading.RLock()
    a:acquire()
    local w = threading.start(function() b:acquire() pcall(a.acquire, a) b:release() end)
    while w.waits_for ~= "rlock" do time.sleep(0.001) end
    w:cancel()
    print(b:acquire())]]), "true\n")
end)

t.test("a thread that was started and has not run yet counts as running", function()
  for _ = 1, 20 do
    t.equal(run("local e = threading.Event() threading.start(e.set, e) print(e:wait())"), "true\n")
  end
end)

t.test("Ctrl-C that has come already ends the wait instead", function()
  local text = run([[
    local e = threading.Event()
    print(select(2, pcall(function()
      threading.start(function() io.popen("kill -INT $PPID"):close() time.sleep(0.05) end)
      e:wait()
    end)).kind)]])
  t.equal(text, "interrupted\n")
end)

t.test("a plain Lock that another thread releases is no deadlock", function()
  local lock = threading.Lock()
  lock:acquire()
  local other = threading.start(function() time.sleep(0.01) lock:release() end)
  t.equal(lock:acquire(), true)
  t.join { other }
end)

t.test("random waits of threads that always leave a way out raise nothing", function()
  math.randomseed(7)
  t.at_intervals(function()
    local locks, q, stop, errors = {}, queue.Queue(4), false, {}
    for i = 1, 4 do locks[i] = i % 2 == 0 and threading.RLock() or threading.Lock() end
    local threads = t.start(6, function(me)
      local n = 0
      while not stop do
        n = n + 1
        local ok, err = pcall(function()
          local i = (me * 7 + n) % 4 + 1
          if n % 5 == 0 then
            q:put(n, true, 0.001)
          elseif n % 5 == 1 then
            q:get(true, 0.001)
          elseif n % 5 == 2 then
            local _ <close> = locks[i]:hold()
            if locks[i % 4 + 1]:acquire(true, 0.0005) then locks[i % 4 + 1]:release() end
          elseif n % 5 == 3 then -- in order, so that no cycle can form
            local a <close> = locks[1]:hold()
            local b <close> = locks[3]:hold()
          else
            time.sleep(0.0001)
          end
        end)
        if not ok then errors[#errors + 1] = err end
      end
    end)
    time.sleep(0.2)
    stop = true
    t.join(threads)
    t.equal(#errors, 0, tostring(errors[1]))
  end)
end)

t.test("joins of many threads in a chain raise nothing", function()
  local gate, previous = threading.Event(), nil
  local threads = {}
  for i = 1, 50 do
    local before = previous
    previous = threading.start(function() if before then before:join() else gate:wait() end end)
    threads[i] = previous
  end
  t.parked(threads)
  gate:set()
  t.join(threads)
end)

t.test("a child of a fork in which the others vanished is its own world", function()
  -- os.execute forks without Lua; what counts is that the parent's waits are still counted right
  t.equal(run([[
    local e = threading.Event()
    threading.start(function() os.execute("true") time.sleep(0.02) e:set() end)
    print(e:wait())]]), "true\n")
end)

t.finish()
