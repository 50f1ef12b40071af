-- What is ThreadPoolExecutor's own: its threads, tasks over one heap, deadlocks of a pool with itself. Behaviours 70 to 72.
local t = require "testing"
local gilua = require "gilua"
local futures = require "gilua.futures"
local threading = require "gilua.threading"
local time = require "gilua.time"

local new = futures.ThreadPoolExecutor

t.test("tasks get the values themselves, not copies", function()
  local pool <close> = new { max_workers = 1 }
  local thing = setmetatable({}, {})
  t.equal(pool:submit(function(x) return x end, thing):result(), thing)
end)

t.test("an idle worker is used again, and there are never more than the maximum (72)", function()
  local pool <close> = new { max_workers = 4 }
  local idents, n = {}, 0
  for _ = 1, 3 do
    local ident = pool:submit(threading.get_ident):result()
    if not idents[ident] then n = n + 1 end
    idents[ident] = true
  end
  t.equal(n, 1)
  local fs = {}
  for i = 1, 60 do fs[i] = pool:submit(function()
    time.sleep(0.0005)
    return threading.get_ident()
  end) end
  for _, f in ipairs(fs) do
    local ident = f:result()
    if not idents[ident] then n = n + 1 end
    idents[ident] = true
  end
  t.equal(n <= 4, true, n .. " workers")
end)

t.test("workers are named after the prefix", function()
  local pool <close> = new { max_workers = 1, thread_name_prefix = "loader" }
  t.equal(pool:submit(function() return threading.current_thread().name end):result(), "loader_0")
  local other <close> = new()
  t.equal(other:submit(function() return threading.current_thread().name end):result():match("^ThreadPool%-%d+_0$") ~= nil,
    true)
end)

t.test("arguments, function and results are let go of right after their use (71)", function()
  local pool <close> = new { max_workers = 1 }
  local weak = setmetatable({}, { __mode = "v" })
  do
    weak[1], weak[2] = {}, {}
    local f = pool:submit(function(_, x) return { x = x ~= nil } end, weak[1], weak[2])
    weak[3] = f:result()
    weak[4] = f
  end
  pool:submit(math.abs, 1):result()
  collectgarbage()
  collectgarbage()
  t.equal(next(weak), nil)
end)

t.test("a cancelled task lets go of its arguments at once", function()
  local gate = threading.Event()
  local pool <close> = new { max_workers = 1 }
  local first = pool:submit(gate.wait, gate)
  local weak = setmetatable({ {} }, { __mode = "v" })
  local f = pool:submit(print, weak[1])
  f:cancel()
  collectgarbage()
  t.equal(weak[1], nil)
  gate:set()
  t.equal(first:result(), true)
end)

t.test("running says so, and a running task cannot be cancelled (61)", function()
  local gate = threading.Event()
  local pool <close> = new { max_workers = 1 }
  local f = pool:submit(gate.wait, gate)
  t.eventually(function() return f:running() end)
  t.equal(f:cancel(), false)
  gate:set()
  t.equal(f:result(), true)
  t.equal(f:running(), false)
end)

t.test("a task that waits for a queued task of its full pool raises deadlock", function()
  for _, workers in ipairs { 1, 2, 5 } do
    local pool <close> = new { max_workers = workers }
    local function outer(i) return pool:submit(function() return i end):result() end
    local fs = {}
    local all = threading.Barrier(workers)
    for i = 1, workers do
      fs[i] = pool:submit(function()
        all:wait()
        return outer(i)
      end)
    end
    local failed = 0
    for i, f in ipairs(fs) do
      local ok, got = pcall(f.result, f)
      if ok then
        t.equal(got, i)
      else
        failed = failed + 1
        t.equal(gilua.is_error(got, "deadlock"), true)
        t.equal(#got.cycle, workers)
        t.equal(got.cycle[1].waits_for, "future")
        t.equal(got.cycle[1].thread.name:match("^ThreadPool"), "ThreadPool")
        t.equal(got.cycle[1].at:match("thread_pool_test.lua:%d+") ~= nil, true, got.cycle[1].at)
      end
    end
    t.equal(failed, 1)
  end
end)

t.test("the error of a pool that waits for itself names threads, lines, and who runs what is waited for", function()
  local pool <close> = new { max_workers = 2, thread_name_prefix = "stuck" }
  local second, outer
  local first = pool:submit(function()
    t.eventually(function() return outer and second end)
    return pool:submit(math.abs, 1):result() -- queued for ever: this is worker 1 of 2, and worker 2 waits for it
  end)
  second = pool:submit(function() return first:result() end)
  outer = true
  local e = select(2, pcall(first.result, first))
  if not gilua.is_error(e, "deadlock") then e = select(2, pcall(second.result, second)) end
  t.equal(gilua.is_error(e, "deadlock"), true, tostring(e))
  t.equal(#e.cycle, 2)
  local with_holder = 0
  for _, edge in ipairs(e.cycle) do
    t.equal(edge.thread.name:find("^stuck_[01]$") ~= nil, true, edge.thread.name)
    t.equal(edge.waits_for, "future")
    t.equal(edge.at:find("thread_pool_test.lua:%d+$") ~= nil, true, edge.at)
    if edge.holder then with_holder = with_holder + 1 end
  end
  t.equal(with_holder, 1)
  t.equal(e.message:find("^all workers of the pool wait for tasks of the same pool, and nobody is left to run them: " ..
    "stuck_[01] waits for a future .-thread_pool_test.lua:%d+; stuck_[01] waits for a future ") ~= nil, true, e.message)
end)

t.test("nested map, wait and as_completed in a full pool raise it as well", function()
  local pool <close> = new { max_workers = 1 }
  for _, inner in ipairs {
    function() for _ in pool:map(math.abs, { 1 }) do end end,
    function() futures.wait { pool:submit(math.abs, 1), pool:submit(math.abs, 2) } end,
    function() futures.as_completed { pool:submit(math.abs, 1) } () end,
  } do
    local f = pool:submit(inner)
    t.raises_kind("deadlock", f.result, f)
  end
end)

t.test("a chain of tasks that ends in a queued one is a deadlock, one that ends in a running one is none", function()
  local pool <close> = new { max_workers = 2 }
  local gate = threading.Event()
  local runs = pool:submit(gate.wait, gate)
  t.eventually(function() return runs:running() end)
  local thread
  local waits = pool:submit(function()
    thread = threading.current_thread()
    return pool:submit(math.abs, -3):result()
  end)
  t.parked(t.eventually(function() return thread end), "future")
  gate:set()
  t.equal(waits:result(), 3)
end)

t.test("a wait with a timeout, or for another pool, is no deadlock", function()
  local pool <close> = new { max_workers = 1 }
  local other <close> = new { max_workers = 1 }
  t.equal(pool:submit(function() return pool:submit(math.abs, 1):wait(0.002) end):result(), false)
  t.equal(pool:submit(function() return other:submit(math.abs, -4):result() end):result(), 4)
end)

t.test("no false alarm while workers wait for each other at every interval", function()
  t.at_intervals(function()
    local pool <close> = new { max_workers = 3 }
    for _ = 1, t.hostile and 5 or 60 do
      local inner = pool:submit(function() return 1 end)
      local a = pool:submit(function() return inner:result() + 1 end)
      local b = pool:submit(function() return a:result() + 1 end)
      local c = pool:submit(function() return b:result() + 1 end)
      t.equal(c:result(), 4)
    end
  end)
end)

t.test("a worker that is cancelled fails its task and is replaced", function()
  local pool <close> = new { max_workers = 1 }
  local thread
  local f = pool:submit(function()
    thread = threading.current_thread()
    time.sleep(60)
  end)
  t.eventually(function() return thread and thread.waits_for end)
  local g = pool:submit(math.abs, -5)
  thread:cancel()
  t.raises_kind("cancelled", f.result, f)
  t.equal(g:result(), 5)
end)

t.test("terminate ends the initializers of workers, too", function()
  local began = threading.Event()
  local pool = new { max_workers = 2, initializer = function()
    began:set()
    threading.Event():wait(60)
  end }
  local f = pool:submit(type, 1)
  began:wait()
  local g = pool:submit(type, 1)
  pool:terminate()
  pool:shutdown()
  t.equal(f:cancelled() and g:cancelled(), true)
end)

t.test("terminate ends tasks that sleep, spin and wait", function()
  local pool = new { max_workers = 3 }
  local q = gilua.queue.Queue()
  local fs = { pool:submit(time.sleep, 100), pool:submit(function() while true do end end), pool:submit(q.get, q) }
  for _, f in ipairs(fs) do t.eventually(function() return f:running() end) end
  pool:terminate()
  for _, f in ipairs(fs) do t.raises_kind("cancelled", f.result, f) end
  pool:shutdown()
end)

t.test("a child that a task has forked ends with that task, and leaves what is queued to the parent", function()
  local text, status = t.run({ "-e", [[
    local gilua = require "gilua"
    local C = gilua.ctypes.load()
    local fork, waitpid = C:func("fork", "int", {}), C:func("waitpid", "int", { "int", "void*", "int" })
    local pool <close> = gilua.futures.ThreadPoolExecutor(1)
    local gate = gilua.threading.Event()
    local child = pool:submit(function()
      gate:wait()
      return fork()
    end)
    local queued = pool:submit(function() io.write("queued\n") io.flush() end)
    gate:set()
    local ended = gilua.ctypes.new("int", 1)
    assert(waitpid(child:result(), ended, 0) == child:result())
    queued:result()
    print(ended[1])
  ]] }, { before = "ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0 " }) -- the child has no main thread that frees its own
  t.equal(text, "queued\n0\n")
  t.equal(status, 0)
end)

t.test("a task may not wait for the end of its own pool, but may end it", function()
  local pool = new { max_workers = 1 }
  t.raises("its own pool", function() pool:submit(function() pool:shutdown() end):result() end)
  local f = new { max_workers = 1 }
  t.equal(f:submit(function()
    f:shutdown { wait = false }
    return 1
  end):result(), 1)
  pool:shutdown()
end)

t.test("tasks that are C functions let others run", function()
  local pool <close> = new { max_workers = 1 }
  local fs = {}
  for i = 1, 2000 do fs[i] = pool:submit(string.rep, "x", 100) end
  for _, f in ipairs(fs) do t.equal(#f:result(), 100) end
end)

t.test("an error object of a task keeps its traceback", function()
  local pool <close> = new { max_workers = 1 }
  local f = pool:submit(function() return futures.Future():result(0) end)
  local err = t.raises_kind("timeout", f.result, f)
  t.equal(err.traceback:find("thread_pool_test.lua", 1, true) ~= nil, true)
end)

-- ThreadSanitizer holds the signal back while main sleeps.
local under_tsan = t.polls and not t.hostile
if not under_tsan then t.test("a task without end does not keep Ctrl-C from the main thread, nor the program from ending by it", function()
  local text, status = t.run({ "-e", [[
    local main = require"gilua.threading".main_thread()
    local pool = require"gilua.futures".ThreadPoolExecutor{max_workers = 1}
    pool:submit(function()
      while main:is_alive() do require"gilua.time".sleep(0.001) end
      local shell = io.popen("kill -INT $PPID", "w")
      while true do end
    end)]] }, { before = "timeout 200 " })
  t.equal(status ~= 124, true, text)
end) end

t.test("a finalizer cannot wait for a pool", function()
  local err
  local pool = new { max_workers = 1 }
  local gate = threading.Event()
  pool:submit(gate.wait, gate)
  setmetatable({}, { __gc = function() err = select(2, pcall(pool.shutdown, pool)) end })
  collectgarbage()
  t.equal(gilua.is_error(err, "invalid_state"), true)
  gate:set()
  pool:shutdown()
end)

t.test("a worker thread that somebody cancels on its way to a task leaves the task to another", function()
  for _ = 1, 20 do
    local pool <close> = new { max_workers = 2 }
    local gate = threading.Barrier(3)
    local both = { pool:submit(gate.wait, gate), pool:submit(gate.wait, gate) }
    gate:wait()
    for _, f in ipairs(both) do f:result() end
    local idle = {}
    t.eventually(function()
      idle = {}
      for _, thread in ipairs(threading.enumerate()) do if thread.waits_for == "task" then idle[#idle + 1] = thread end end
      return #idle == 2
    end)
    local f = pool:submit(math.abs, -4)
    for _, thread in ipairs(idle) do thread:cancel() end
    t.equal(f:wait(t.limit), true)
  end
end)

t.finish()
