-- Births of zygotes and workers where the program or the system makes it hard. Hazards F1, F9, F13, L1, L4. arg[1] is the
-- library of tests/support/hazards_library.c.
local t = require "testing"
local futures = require "gilua.futures"
local threading = require "gilua.threading"
local queue = require "gilua.queue"
local ctypes = require "gilua.ctypes"
local P = require "processes"
local new = futures.ProcessPoolExecutor

local path = os.getenv("TEST_ROOT") .. "/" .. arg[1]
local lib = ctypes.load(path)
local asan = os.getenv("ASAN_OPTIONS")

P.test("a thread that sits in localtime_r nearly all the time: os.date works in every worker (F1)", function()
  t.equal(lib:func("stamp_begin", "int", {})(), 0)
  local ok, err = pcall(function()
    for _ = 1, t.hostile and 3 or 20 do
      local pool <close> = new { max_workers = 2 }
      local gate <close> = P.gate()
      local fs = {}
      local function date(name)
        local text = os.date("%Y") .. os.time { year = 2020, month = 1, day = 1 }
        P.pass(name)
        return text
      end
      for i = 1, 2 do fs[i] = pool:submit(date, gate.path) end
      for i = 1, 2 do t.eventually(function() return fs[i]:running() end) end
      gate:open()
      for i = 1, 2 do t.equal(fs[i]:result():sub(1, 2), "20") end
    end
  end)
  lib:func("stamp_end", "int", {})()
  if not ok then error(err, 0) end
end)

P.test("a pool made on a small stack: its workers have a full one (F9)", function()
  local function deep(n) return n == 0 and 0 or 1 + select(2, pcall(deep, n - 1)) end
  local nested, pattern = ("("):rep(180) .. "1" .. (")"):rep(180), ("(a?)"):rep(30)
  local pool
  local make <close> = ctypes.callback(function() pool = new { max_workers = 1 } end, nil, {})
  t.equal(lib:func("call_on_stack", "int", { "void*", "size_t" })(make, asan and 1 << 20 or 128 << 10), 0)
  local depth, number, from, to = pool:submit(function()
    return deep(185), load("return " .. nested)(), string.find(("a"):rep(30), pattern)
  end):result()
  t.equal(depth, 185)
  t.equal(number, 1)
  t.equal(from, 1)
  t.equal(to, 30)
  pool:shutdown()
end)

-- Objects of the program with threads that wait in them, all at once; what they are called in the workers.
local function with_waiters(f)
  local o = { held = threading.Lock(), taken = threading.Lock(), event = threading.Event(), q = queue.Queue(), full = queue.Queue(1),
              condition = threading.Condition(), semaphore = threading.Semaphore(0), barrier = threading.Barrier(3) }
  local holding, stop = threading.Event(), threading.Event()
  o.held:acquire()
  o.full:put("first")
  local owner = threading.start(function()
    o.taken:acquire()
    holding:set()
    stop:wait()
    o.taken:release()
  end)
  holding:wait()
  local waits = {
    function() o.held:acquire() o.held:release() end,
    function() o.taken:acquire() o.taken:release() end,
    function() o.event:wait() end,
    function() return o.q:get() end,
    function() return o.full:put("second") end,
    function() o.condition:with(function() o.condition:wait() end) end,
    function() o.semaphore:acquire() end,
    function() o.barrier:wait() end,
    function() owner:join() end,
  }
  local threads = {}
  for i = 1, #waits * 2 do threads[i] = threading.start(waits[(i - 1) % #waits + 1]) end
  t.parked(threads)
  objects_of_test, owner_of_test = o, owner
  local ok, err = pcall(f)
  objects_of_test, owner_of_test = nil, nil
  o.held:release()
  stop:set()
  o.event:set()
  for _ = 1, 2 do o.q:put("item") end
  for _ = 1, 3 do t.eventually(function() return o.full:get() end) end
  o.condition:with(function() o.condition:notify_all() end)
  o.semaphore:release(2)
  o.barrier:wait()
  t.join(threads)
  if not ok then error(err, 0) end
end

local function pool_with_waiters(task)
  with_waiters(function()
    local pool <close> = new { max_workers = 1 }
    for _ = 1, 3 do t.equal(pool:submit(task):result(), "fine") end
  end)
end

P.test("locks with waiters that vanished: free, held by this thread, held for ever (F13)", function()
  pool_with_waiters(function()
    local gilua, o = require "gilua", objects_of_test
    local thread = gilua.threading.start(function() return o.held:acquire() end)
    while thread:is_alive() and not thread.waits_for do gilua.time.sleep(0.0005) end
    o.held:release() -- as the thread that forked held it
    assert(thread:result() == true and o.held:locked(), "given to the one who waits here")
    o.held:release()
    assert(o.taken:acquire(true, 0.001) == false, "a thread that vanished holds it")
    o.held:acquire() -- for the next task
    return "fine"
  end)
end)

P.test("a task that waits for a lock whose owner vanished can be cancelled, and the pool goes on (F13)", function()
  with_waiters(function()
    local pool <close> = new { max_workers = 1 }
    local f = pool:submit(function() objects_of_test.taken:acquire() end)
    t.eventually(function() return f:running() end)
    t.equal(f:cancel(), true)
    t.equal(pool:submit(math.abs, -3):result(), 3)
  end)
end)

P.test("queues, events, conditions, semaphores with waiters that vanished serve those who are here (F13)", function()
  pool_with_waiters(function()
    local threading, o = require "gilua.threading", objects_of_test
    for i = 1, 20 do
      o.q:put(i)
      assert(o.q:get() == i, "an item was promised to a thread that vanished")
    end
    local getter = threading.start(function() return o.q:get() end)
    o.q:put("x")
    assert(getter:result() == "x")
    assert(o.full:get(true, 100) == "first" and o.full:qsize() == 0, "a putter that vanished has put")
    assert(o.full:put("first", true, 1))
    o.event:set()
    assert(o.event:wait(100))
    o.event:clear()
    o.condition:with(function() o.condition:notify_all() end)
    o.semaphore:release(1)
    assert(o.semaphore:acquire(true, 100), "a permit went to a thread that vanished")
    assert(not o.semaphore:acquire(true, 0.001))
    return "fine"
  end)
end)

P.test("threads of a task use the stacks and the waits of those that vanished (F13)", function()
  pool_with_waiters(function()
    local threading, o = require "gilua.threading", objects_of_test
    assert(not owner_of_test:is_alive() and owner_of_test:join())
    local lock, done, threads = threading.Lock(), 0, {}
    for i = 1, 20 do
      threads[i] = threading.start(function()
        for _ = 1, 10 do
          local _ <close> = lock:hold()
          o.q:put(i)
          o.q:get()
          done = done + 1
        end
      end)
    end
    for _, thread in ipairs(threads) do thread:result() end
    assert(done == 200 and #threading.enumerate() == 1)
    return "fine"
  end)
end)

-- Runs a program with the library loaded before others; text, status.
local function program(environment, lines)
  local before = environment .. " LD_PRELOAD=" .. path .. " ASAN_OPTIONS=$ASAN_OPTIONS:verify_asan_link_order=0 "
  return t.run({ "-e", 'local futures = require "gilua.futures" local P = require "processes" ' .. lines }, { before = before })
end

P.test("a system that refuses further processes: the pool goes on with fewer (L1)", function()
  local text, status = program("HAZARD_FORKS=3", [[ -- the zygote and two workers
    local pool <close> = futures.ProcessPoolExecutor{max_workers = 8}
    local gate = P.gate()
    local fs, different, n = {}, {}, 0
    for i = 1, 40 do fs[i] = pool:submit(P.pass, gate.path, i) end
    local pids = {}
    for i = 1, 2 do while not fs[i]:running() do require "gilua.time".sleep(0.001) end end
    gate:open()
    for i = 1, 40 do assert(fs[i]:result() == i) end
    for i = 1, 40 do different[pool:submit(P.pid):result()] = true end
    for _ in pairs(different) do n = n + 1 end
    print(n <= 2, pool:submit(math.abs, -7):result())]])
  t.equal(text, "true\t7\n")
  t.equal(status, 0)
end)

P.test("a system that refuses every worker: broken_pool that says why (L1)", function()
  local text = program("HAZARD_FORKS=1", [[
    local pool = futures.ProcessPoolExecutor{max_workers = 2}
    local f = pool:submit(math.abs, 1)
    local err = f:exception()
    print(err.kind, (tostring(err):find("Resource temporarily unavailable", 1, true)))
    print(select(2, pcall(pool.submit, pool, math.abs, 1)).kind)
    pool:shutdown()]])
  t.equal(text:find("^broken_pool\t%d+\nbroken_pool\n$") ~= nil, true, text)
end)

P.test("a system where workers are forked and end before they begin: broken_pool that says so, after a few (L1)", function()
  local text = program("HAZARD_THREADS=1", [[
    local pool = futures.ProcessPoolExecutor{max_workers = 2}
    local f = pool:submit(math.abs, 1)
    print(f:exception().kind, (tostring(f:exception()):find("before they begin a task (exit status 70)", 1, true)) ~= nil)
    pool:shutdown()]])
  t.equal(text, "broken_pool\ttrue\n")
end)

P.test("a system that refuses the zygote: the constructor raises broken_pool (L1)", function()
  local text = program("HAZARD_FORKS=0", [[
    local ok, err = pcall(futures.ProcessPoolExecutor, {max_workers = 2})
    print(err.kind, (tostring(err):find("Resource temporarily unavailable", 1, true)) ~= nil)]])
  t.equal(text, "broken_pool\ttrue\n")
end)

P.test("a worker that died and cannot be replaced: the other one does the work (L1)", function()
  local text = program("HAZARD_FORKS=3", [[
    local pool <close> = futures.ProcessPoolExecutor{max_workers = 2}
    local gate = P.gate()
    local a, b = pool:submit(P.pass, gate.path, 1), pool:submit(P.pass, gate.path, 2)
    for _, f in ipairs{a, b} do while not f:running() do require "gilua.time".sleep(0.001) end end
    gate:open()
    assert(a:result() + b:result() == 3)
    print(pool:submit(os.exit, 5):exception().exitcode)
    for i = 1, 20 do assert(pool:submit(math.abs, -i):result() == i) end
    print "done"]])
  t.equal(text, "5\ndone\n")
end)

P.test("without pidfd_open a pool works, and its processes end with the program, however that ends (L4)", function()
  local text, status = program("HAZARD_FORBID=pidfd_open", [[
    local pool <close> = futures.ProcessPoolExecutor{max_workers = 2}
    print(pool:submit(math.abs, -7):result())
    print(pool:submit(os.exit, 3):exception().exitcode)
    print(pool:submit(math.abs, -8):result())]])
  t.equal(text, "7\n3\n8\n")
  t.equal(status, 0)
  text = program("HAZARD_FORBID=pidfd_open", [[
    pool = futures.ProcessPoolExecutor{max_workers = 1}
    pool:submit(math.abs, -7):result()
    for _, pid in ipairs(P.children()) do print(pid) end
    io.stdout:flush()
    P.die()]])
  local left = {}
  for pid in text:gmatch("%d+") do left[#left + 1] = tonumber(pid) end
  t.equal(#left >= 2, true, text)
  P.gone(left)
end)

P.test("without memfd_create a pool works; a shared array says why it cannot be had, or is one (L4)", function()
  local text, status = program("HAZARD_FORBID=memfd_create", [[
    local pool <close> = futures.ProcessPoolExecutor{max_workers = 2}
    print(pool:submit(math.abs, -7):result())
    local ok, array = pcall(require "gilua.multiprocessing".shared_array, "i64", 4)
    print(ok or tostring(array):find("Function not implemented", 1, true) ~= nil)]])
  t.equal(text, "7\ntrue\n")
  t.equal(status, 0)
end)

P.test("whoever waits sleeps while the collector that stood in before it gets no processor", function()
  local stall = os.tmpname()
  local text, status = program("HAZARD_STALL=" .. stall, ([[
    local t = require "testing"
    local function read(path)
      local f <close> = io.open("/proc/self/task/" .. path)
      return f and f:read "a" or ""
    end
    local function collector()
      local ls <close> = io.popen("ls /proc/$PPID/task")
      for id in ls:lines() do
        if read(id .. "/comm"):find "collector" then return id end
      end
    end
    local gate = P.gate()
    local pool <close> = futures.ProcessPoolExecutor{max_workers = 1}
    local f = pool:submit(P.pass, gate.path, 7)
    local stall <close> = setmetatable({}, {__close = function() os.remove "%s" end})
    t.eventually(function()
      local wchan = read((collector() or "") .. "/wchan")
      return wchan:find "poll" or wchan:find "nanosleep"
    end, "the collector to stand in")
    local function reads() return tonumber(read(P.pid() .. "/io"):match "syscr: (%%d+)") end
    local before = reads()
    pcall(f.result, f, 0.3)
    print(reads() - before < 50)
    os.remove "%s"
    gate:open()
    print(f:result())]]):format(stall, stall))
  t.equal(text, "true\n7\n")
  t.equal(status, 0)
  os.remove(stall)
end)

t.finish()
