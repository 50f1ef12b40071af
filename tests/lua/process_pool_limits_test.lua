-- task_timeout, cancel, memory_limit, max_pending, large values, many threads. Hazards R1, R2, R7, D1, D3, L3.
local t = require "testing"
local gilua = require "gilua"
local futures = require "gilua.futures"
local time = require "gilua.time"
local P = require "processes"
local new = futures.ProcessPoolExecutor

local function forever() while true do end end

local AMPLE = t.polls and 3 or 1 -- seconds for a short task, on a slow machine, too

P.test("options are checked, by name", function()
  for name, bad in pairs { max_workers = { 0, -1, 1.5, 1e9, "x" }, max_tasks_per_child = { 0, -1, 0.5 }, retries = { -1, "x" },
                           max_pending = { 0, -1 }, task_timeout = { 0, -1, 0 / 0, "x" }, memory_limit = { 0, -5, 0 / 0 } } do
    for _, value in ipairs(bad) do t.raises(name, new, { [name] = value }) end
  end
  t.raises("start", new, { start = "magic" })
end)

P.test("task_timeout ends the task that outran it, and no other", function()
  local pool <close> = new { max_workers = 1, task_timeout = AMPLE }
  for _ = 1, 2 do
    local f, g = pool:submit(forever), pool:submit(math.abs, -1)
    local err = t.raises_kind("task_timeout", f.result, f)
    t.equal(err.seconds, AMPLE)
    t.equal(g:result(), 1)
  end
end)

P.test("task_timeout is no retry, and holds for tasks that sleep or wait for a command", function()
  local pool <close> = new { max_workers = 2, task_timeout = 0.1, retries = 5 }
  local f, g = pool:submit(time.sleep, 100), pool:submit(os.execute, "exec sleep 100")
  t.raises_kind("task_timeout", f.result, f)
  t.raises_kind("task_timeout", g.result, g)
end)

P.test("the time of a task is its own, not that of its wait in the queue", function()
  local pool <close> = new { max_workers = 1, task_timeout = 2 }
  local fs = {}
  for i = 1, 25 do fs[i] = pool:submit(function() time.sleep(0.1) return 1 end) end
  for i = 1, 25 do t.equal(fs[i]:result(), 1) end
end)

P.test("while the program and its workers stand still, the time of a task does, too", function()
  local pool <close> = new { max_workers = 1, task_timeout = 2 }
  local pid, gate <close> = pool:submit(P.pid):result(), P.gate()
  local f = pool:submit(P.pass, gate.path, "passed")
  t.eventually(function() return f:running() end)
  local both = pid .. " " .. P.pid()
  -- a stop is seen by who sleeps for the pool: main, which waits by then
  os.execute(("setsid sh -c 'sleep 0.3; kill -STOP %s; sleep 2.1; kill -CONT %s; sleep 0.1; rm -f %s' &"):format(both, both, gate.path))
  t.equal(f:result(), "passed")
end)

P.test("cancel of a running task replaces its worker, and the next tasks are done", function()
  local pool <close> = new { max_workers = 1 }
  for _ = 1, 5 do
    local f, g = pool:submit(forever), pool:submit(math.abs, -1)
    t.eventually(function() return f:running() end)
    t.equal(f:cancel(), true)
    t.equal(f:cancelled(), true)
    t.raises_kind("cancelled", f.result, f)
    t.equal(g:result(), 1)
    t.equal(g:cancel(), false)
  end
end)

P.test("cancel hits the task that it means, or none (R7)", function()
  local pool <close> = new { max_workers = 2 }
  local fs, cancelled, n = {}, {}, t.hostile and 50 or 3000
  for i = 1, n do
    fs[i] = pool:submit(math.abs, -i)
    local k = math.random(math.max(1, i - 100), i)
    if i % 7 == 0 then cancelled[k] = fs[k]:cancel() or cancelled[k] end
  end
  for i, f in ipairs(fs) do
    local ok, value = pcall(f.result, f)
    if ok then t.equal(value, i)
    else t.equal(gilua.is_error(value, "cancelled") and cancelled[i] and true, true, tostring(value)) end
    t.equal(not ok, cancelled[i] or false)
  end
end)

P.test("time-outs of many tasks hit those that hang (R7)", function()
  local pool <close> = new { max_workers = 2, task_timeout = AMPLE }
  local fs = {}
  for i = 1, 100 do fs[i] = pool:submit(i % 40 == 0 and forever or math.abs, -i) end
  for i, f in ipairs(fs) do
    if i % 40 == 0 then t.raises_kind("task_timeout", f.result, f) else t.equal(f:result(), i) end
  end
end)

P.test("terminate with 10000 long tasks queued returns (95)", function()
  local pool = new { max_workers = 2 }
  local f
  for _ = 1, t.hostile and 100 or 10000 do f = pool:submit(time.sleep, 100) end
  pool:terminate()
  pool:shutdown()
  t.raises_kind("cancelled", f.result, f)
end)

P.test("a task that fills memory beyond memory_limit fails with a clean error, the pool goes on (L3)", function()
  local ballast = string.rep("b", 10 << 20)
  local pool <close> = new { max_workers = 1, memory_limit = 32 << 20 }
  if t.polls or os.getenv("ASAN_OPTIONS") then return end -- those builds use malloc, which has no such limit
  local pid = pool:submit(P.pid):result()
  for _ = 1, 3 do
    t.raises("not enough memory", function()
      pool:submit(function()
        local list = {}
        for i = 1, 1e9 do list[i] = { i } end
      end):result()
    end)
    t.raises("not enough memory", function() pool:submit(string.rep, "x", 100 << 20):result() end)
    t.raises("not enough memory", function() pool:submit(function(s) return #s:rep(8) end, ballast):result() end)
    t.equal(pool:submit(function() return #string.rep("x", 8 << 20) end):result(), 8 << 20)
  end
  t.equal(pool:submit(P.pid):result(), pid)
end)

P.test("max_pending makes submit wait until there is room, and a request ends that wait", function()
  local threading = require "gilua.threading"
  local pool <close> = new { max_workers = 1, max_pending = 3 }
  local gate <close> = P.gate()
  local fs = {}
  for i = 1, 3 do fs[i] = pool:submit(P.pass, gate.path, i) end
  local waiter = threading.start(function() return pool:submit(math.abs, -4) end)
  local stopped = threading.start(function() return pool:submit(math.abs, -5) end)
  time.sleep(0.01)
  t.equal(waiter:is_alive(), true)
  stopped:cancel()
  t.raises_kind("cancelled", stopped.result, stopped)
  gate:open()
  t.equal(waiter:result():result(), 4)
  for i = 1, 3 do t.equal(fs[i]:result(), i) end
  for i = 1, 100 do pool:submit(math.abs, i) end
end)

P.test("max_pending is kept where a __reduce leaves the lock", function()
  local threading = require "gilua.threading"
  local pool <close> = new { max_workers = 1, max_pending = 1 }
  local gate <close> = P.gate()
  local both, submitted = threading.Barrier(2), {}
  local threads = {}
  for i = 1, 2 do
    local slow = setmetatable({}, { __reduce = function()
      both:wait()
      return math.abs, -i
    end })
    threads[i] = threading.start(function()
      local f = pool:submit(P.pass, gate.path, slow)
      submitted[#submitted + 1] = f
    end)
  end
  t.eventually(function() return #submitted == 1 and (threads[1].waits_for or threads[2].waits_for) == "task" or #submitted == 2 end)
  t.equal(#submitted, 1)
  gate:open()
  t.join(threads)
  t.equal(submitted[1]:result() + submitted[2]:result(), 3)
end)

P.test("a cancel ends the wait of another thread for a task that no worker has begun", function()
  local threading = require "gilua.threading"
  local pool <close> = new { max_workers = 1 }
  local gate <close> = P.gate()
  local long, queued = pool:submit(P.pass, gate.path), pool:submit(math.abs, -4)
  local waiter = threading.start(function() return queued:wait() end)
  time.sleep(0.01)
  t.equal(queued:cancel(), true)
  t.equal(waiter:join(t.limit), true, "it is told")
  t.equal(long:done(), false)
  gate:open()
end)

P.test("room for a submit is seen while another thread waits for a long task", function()
  local threading = require "gilua.threading"
  local pool <close> = new { max_workers = 2, max_pending = 2 }
  local long_gate <close> = P.gate()
  local short_gate <close> = P.gate()
  local long, short = pool:submit(P.pass, long_gate.path), pool:submit(P.pass, short_gate.path)
  local waits_long = threading.start(function() return long:wait() end)
  time.sleep(0.01)
  local submits = threading.start(function() return pool:submit(math.abs, -4):result() end)
  time.sleep(0.01)
  short_gate:open()
  t.equal(submits:join(t.limit), true, "it is told")
  t.equal(submits:result(), 4)
  t.equal(short:done(), true)
  t.equal(long:done(), false)
  long_gate:open()
  t.equal(waits_long:join(t.limit), true)
end)

P.test("several threads wait for room again and again; each gets it", function()
  local pool <close> = new { max_workers = 1, max_pending = 1 }
  local sums = {}
  t.join(t.start(6, function(i)
    sums[i] = 0
    for k = 1, 20 do sums[i] = sums[i] + pool:submit(math.abs, -k):result() end
  end))
  for i = 1, 6 do t.equal(sums[i], 210) end
end)

P.test("a shutdown is seen by who waits for room while another thread waits for a task", function()
  local threading = require "gilua.threading"
  local pool = new { max_workers = 1, max_pending = 1 }
  local gate <close> = P.gate()
  local long = pool:submit(P.pass, gate.path)
  local waits_long = threading.start(function() return long:wait() end)
  time.sleep(0.01)
  local submits = threading.start(function() return pcall(pool.submit, pool, math.abs, -4) end)
  time.sleep(0.01)
  pool:shutdown { wait = false }
  t.equal(submits:join(t.limit), true, "it is told")
  local ok, err = submits:result()
  t.equal(ok, false)
  t.equal(gilua.is_error(err, "invalid_state"), true, tostring(err))
  gate:open()
  t.equal(waits_long:join(t.limit), true)
end)

P.test("a pool that is closed while submit waits for room: invalid_state, no hang", function()
  local threading = require "gilua.threading"
  local pool = new { max_workers = 1, max_pending = 1 }
  local gate <close> = P.gate()
  pool:submit(P.pass, gate.path)
  local waiter = threading.start(function() return pcall(pool.submit, pool, math.abs, -4) end)
  time.sleep(0.01)
  pool:shutdown { wait = false }
  gate:open()
  t.equal(waiter:join(t.limit), true)
  local ok, result = waiter:result()
  if ok then t.equal(result:result(), 4) else t.equal(gilua.is_error(result, "invalid_state"), true, tostring(result)) end
  pool:shutdown()
end)

P.test("16 MiB there and back in several threads, both directions at once (R2)", function()
  local pool <close> = new { max_workers = 2 }
  local n = t.polls and 2 << 20 or 16 << 20
  local threads = t.start(3, function(i)
    local text = string.rep(string.char(64 + i), n)
    for _ = 1, 2 do
      local f, g = pool:submit(function(s) return s end, text), pool:submit(function(s) return s, #s end, text)
      if f:result() ~= text or g:result() ~= text then error("other bytes") end
    end
  end)
  t.join(threads)
end)

P.test("sizes about that of the ring travel whole, in fragments of every length", function()
  local pool <close> = new { max_workers = 1 }
  local fs, texts = {}, {}
  for k, size in ipairs { 0, 1, 32767, 32768, 32769, 262143, 262144, 262145, 524288, 600001 } do
    texts[k] = string.rep("ab\0", size // 3) .. string.rep("z", size % 3)
    fs[k] = pool:submit(function(...) return ... end, texts[k], k, texts[k] .. "x")
  end
  for k, f in ipairs(fs) do
    local a, b, c = f:result()
    t.equal(a == texts[k] and b == k and c == texts[k] .. "x", true, "case " .. k)
  end
end)

P.test("long strings in any place of the arguments arrive whole", function()
  local pool <close> = new { max_workers = 1 }
  local function long(n, c) return (c .. "."):rep(n) end
  local list = { long(20000, "a"), { deep = { long(40000, "b"), long(500000, "c") } }, [long(30000, "k")] = long(30000, "v") }
  local captured = long(70000, "u")
  local function measure(t, again)
    local sum = #captured + (t[1] == again and 1 or 0)
    for k, v in pairs(t) do sum = sum + (type(k) == "string" and #k or 0) + (type(v) == "string" and #v or 0) end
    return sum + #t[2].deep[1] + #t[2].deep[2], t
  end
  for _ = 1, 3 do
    local sum, back = pool:submit(measure, list, list[1]):result()
    t.equal(sum, 140001 + 40000 + 120000 + 80000 + 1000000)
    t.equal(back[1], list[1])
    t.equal(back[2].deep[2], list[2].deep[2])
    t.equal(back[long(30000, "k")], list[long(30000, "k")])
  end
end)

P.test("an error amid arguments with long strings fails that task, and the next ones get theirs", function()
  local pool <close> = new { max_workers = 1 }
  local Bad = {}
  function Bad.rebuild() error "cannot be rebuilt" end
  function Bad:__reduce() return Bad.rebuild end
  Bad.__index = Bad
  package.loaded.bad_of_test = Bad
  local big = ("x"):rep(1 << 20)
  for i = 1, 5 do
    local f = pool:submit(print, big, setmetatable({}, Bad), big .. i, { big .. "y" })
    t.raises("cannot be rebuilt", f.result, f)
    t.equal(pool:submit(string.len, big):result(), #big)
  end
  package.loaded.bad_of_test = nil
end)

P.test("a long string beyond memory_limit is an error of its task, and the pool goes on", function()
  local pool <close> = new { max_workers = 1, memory_limit = 8 << 20 }
  local f = pool:submit(string.len, ("x"):rep(32 << 20))
  t.raises("not enough memory", f.result, f)
  t.equal(pool:submit(string.len, ("x"):rep(1 << 20)):result(), 1 << 20)
end)

P.test("many threads use one pool; each gets its own", function()
  local pool <close> = new { max_workers = 3 }
  t.at_intervals(function()
    t.join(t.start(8, function(i)
      for k = 1, t.hostile and 3 or 40 do t.equal(pool:submit(function(a, b) return a * 1000 + b end, i, k):result(), i * 1000 + k) end
    end))
  end, { 1e-6, 2e-4 })
end)

P.test("a short task behind a long one is done by an idle worker (D1)", function()
  for _ = 1, t.hostile and 1 or 5 do
    local pool <close> = new { max_workers = 2 }
    local gate <close> = P.gate()
    local fs = {}
    for i = 1, 200 do fs[i] = pool:submit(math.abs, i) end -- learns that tasks are short: sends ahead
    for i = 1, 200 do fs[i]:result() end
    local long = pool:submit(P.pass, gate.path, "long")
    for i = 1, 100 do fs[i] = pool:submit(math.abs, -i) end
    for i = 1, 100 do t.equal(fs[i]:result(), i) end
    t.equal(long:done(), false)
    gate:open()
    t.equal(long:result(), "long")
  end
end)

P.test("tasks behind two long ones move when one of those ends late: what was sent ahead is not stuck (D1)", function()
  local pool <close> = new { max_workers = 2 }
  local gate <close> = P.gate()
  local fs = {}
  for i = 1, 400 do fs[i] = pool:submit(math.abs, i) end
  for i = 1, 400 do fs[i]:result() end
  local a = pool:submit(P.pass, gate.path, "a")
  local b = pool:submit(time.sleep, 0.1) -- when it ends, tasks count as long, and nothing is sent ahead any more
  for i = 1, 40 do fs[i] = pool:submit(math.abs, -i) end
  for i = 1, 40 do t.equal(fs[i]:result(), i) end
  b:result()
  gate:open()
  t.equal(a:result(), "a")
end)

P.test("a __reduce that submits to the same pool (R1)", function()
  local pool <close> = new { max_workers = 1 }
  local Nested = {}
  function Nested.rebuild(n) return n end
  package.loaded.nested_of_test = Nested
  Nested.__reduce = function(self) return Nested.rebuild, pool:submit(math.abs, self.n):result() end
  local f = pool:submit(function(x) return x end, setmetatable({ n = -7 }, Nested))
  package.loaded.nested_of_test = nil
  local ok, value = pcall(f.result, f)
  t.equal(ok and value == 7 or not ok and gilua.is_error(value) ~= nil, true, tostring(value))
end)

P.test("a thousand different functions, forgotten and sent again (D2, D3)", function()
  local pool <close> = new { max_workers = 2 }
  local n = t.hostile and 20 or 600
  for _ = 1, 2 do
    local fs = {}
    for i = 1, n do fs[i] = pool:submit(load("return function(x) return x + " .. i .. " end")(), i) end
    for i = 1, n do t.equal(fs[i]:result(), 2 * i) end
  end
end)

P.test("what is defined after the pool was made: the error says so (S2)", function()
  local pool <close> = new { max_workers = 1 }
  pool:submit(math.abs, 1):result()
  function late_of_test() return 1 end
  local f = pool:submit(function() return late_of_test() end)
  t.raises("late_of_test", f.result, f)
  late_of_test = nil
end)

P.test("a task that prints much does not hang", function()
  local text = t.run { "-e", [[
    local pool <close> = require "gilua.futures".ProcessPoolExecutor{max_workers = 2}
    for i = 1, 4 do pool:submit(function() for k = 1, 20000 do print(k) end end) end]] }
  local _, lines = text:gsub("\n", "")
  t.equal(lines, 80000)
end)

t.finish()
