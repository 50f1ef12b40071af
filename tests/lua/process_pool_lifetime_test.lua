-- Births and ends: of the pool, its zygote, its program. Behaviours 75, 77, 88, 98; hazards F2, F3, F8, F12.
local t = require "testing"
local futures = require "gilua.futures"
local threading = require "gilua.threading"
local time = require "gilua.time"
local P = require "processes"
local new = futures.ProcessPoolExecutor

-- The zygote of the only pool: the child of this process.
local function zygote()
  for _, pid in ipairs(P.children()) do
    local f <close> = io.open("/proc/" .. pid .. "/stat")
    if f and tonumber(f:read("a"):match("%) %a (%d+)")) == P.pid() then return pid end
  end
end

-- Kills it, and waits until it is gone: until then it looks like a new one.
local function kill_zygote()
  local pid = t.eventually(zygote, "a zygote")
  P.kill(pid)
  P.gone { pid }
end

P.test("the finalizer of a future passes over what is none, and over a future that it has dropped", function()
  local pool <close> = new { max_workers = 1 }
  local f = pool:submit(math.abs, -1)
  local finalize = debug.getmetatable(f).__gc
  for _, other in ipairs { 5, "text", {}, io.stdout, pool, f, f } do finalize(other) end
  t.equal(f:done(), true)
  t.equal(pool:submit(math.abs, -2):result(), 2)
end)

P.test("a pool starts no worker before there is work, and no more than there is work for (72)", function()
  local pool <close> = new { max_workers = 8 }
  t.equal(#P.children(), 1)
  for _ = 1, 3 do pool:submit(math.abs, 1):result() end
  t.equal(#P.children(), 2)
end)

P.test("a zygote that is killed is replaced: queued tasks are done, the one that ran fails", function()
  local pool <close> = new { max_workers = 1 }
  local gate <close> = P.gate()
  local f = pool:submit(P.pass, gate.path)
  local later = {}
  for i = 1, 5 do later[i] = pool:submit(math.abs, -i) end
  t.eventually(function() return f:running() end)
  kill_zygote()
  local err = t.raises_kind("worker_died", f.result, f)
  t.equal(err.signal, P.KILL)
  for i = 1, 5 do t.equal(later[i]:result(), i) end
  for i = 1, 5 do
    pool:submit(math.abs, 1):result()
    kill_zygote()
    t.equal(pool:submit(math.abs, -i):result(), i)
  end
end)

P.test("a zygote that is killed while threads wait: one replaces it", function()
  local pool <close> = new { max_workers = 4, retries = 10 }
  local gate <close> = P.gate()
  local fs = {}
  for i = 1, 4 do fs[i] = pool:submit(P.pass, gate.path, i) end
  local threads = t.start(4, function(i) return fs[i]:result() end)
  for i = 1, 4 do t.eventually(function() return fs[i]:running() end) end
  kill_zygote()
  gate:open()
  for i = 1, 4 do t.equal(threads[i]:result(), i) end
  t.eventually(function() -- if all were done before it was missed, the next use makes it
    pool:submit(math.abs, 1):result()
    return zygote()
  end)
  local direct = 0
  for _, pid in ipairs(P.children()) do
    local f <close> = io.open("/proc/" .. pid .. "/stat")
    if f and tonumber(f:read("a"):match("%) %a (%d+)")) == P.pid() then direct = direct + 1 end
  end
  t.equal(direct, 1, "zygotes")
end)

P.test("a zygote that is killed while futures.wait, a callback or shutdown waits", function()
  local pool <close> = new { max_workers = 1, retries = 3 }
  for _, wait in ipairs {
    function(f) futures.wait({ f, pool:submit(math.abs, 1) }) end,
    function(f) for _ in futures.as_completed { f, pool:submit(math.abs, 1) } do end end,
    function(f)
      local called
      f:add_done_callback(function() called = true end)
      t.eventually(function() return called end)
    end,
    function() pool:shutdown() end,
  } do
    local gate <close> = P.gate()
    local f = pool:submit(P.pass, gate.path, 7)
    t.eventually(function() return f:running() end)
    local waiter = threading.start(wait, f)
    time.sleep(0.01) -- most of the time it waits then; all holds if it does not
    kill_zygote()
    gate:open()
    t.equal(waiter:join(t.limit), true)
    waiter:result()
    t.equal(f:result(), 7)
  end
end)

P.test("a program killed by SIGKILL leaves no process behind (F3)", function()
  local p <close> = io.popen(string.format([[exec %s -e '
    local futures = require "gilua.futures"
    local P = require "processes"
    local a, b = futures.ProcessPoolExecutor{max_workers = 2}, futures.ProcessPoolExecutor{max_workers = 2}
    for _, pool in ipairs{a, b} do
      pool:submit(P.pid):result()
      pool:submit(function() while true do end end)
    end
    local nested = a:submit(function()
      nested = require "gilua.futures".ProcessPoolExecutor{max_workers = 1}
      nested_future = nested:submit(function() while true do end end)
      nested:submit(P.pid)
    end):result()
    local child = require "gilua.multiprocessing".Process{target = function() while true do end end}:start()
    print(P.pid())
    io.stdout:flush()
    while true do require "gilua.time".sleep(1) end']], os.getenv("GILUA")))
  local pid = p:read("n")
  local list = {}
  t.eventually(function()
    list = P.children(pid)
    return #list >= 8
  end, "its processes")
  P.kill(pid)
  P.gone(list)
end)

P.test("a pool outlives the thread that made it (F2)", function()
  local made = threading.start(function() return new { max_workers = 2 } end)
  local pool <close> = made:result()
  made:join()
  collectgarbage()
  for i = 1, 10 do t.equal(pool:submit(math.abs, -i):result(), i) end
end)

P.test("pools made by several threads at once", function()
  local threads = t.start(4, function(i)
    for k = 1, 3 do
      local pool <close> = new { max_workers = 2 }
      t.equal(pool:submit(math.abs, -i * k):result(), i * k)
    end
  end)
  t.join(threads)
end)

P.test("two pools work beside each other; the end of one is not the other's", function()
  local a, b = new { max_workers = 2 }, new { max_workers = 2 }
  for i = 1, 20 do
    local f, g = a:submit(math.abs, -i), b:submit(math.abs, -i)
    t.equal(f:result() + g:result(), 2 * i)
  end
  a:shutdown()
  for i = 1, 20 do t.equal(b:submit(math.abs, -i):result(), i) end
  b:terminate()
end)

P.test("pools made and closed leave nothing", function()
  for i = 1, t.hostile and 3 or 20 do
    local pool <close> = new { max_workers = 3, initializer = function() end, initargs = { ("x"):rep(100000) } }
    if i % 3 > 0 then t.equal(pool:submit(math.abs, -i):result(), i) end
    if i % 3 > 1 then pool:terminate() end
  end
end)

P.test("a pool cannot be made in a finalizer (F8)", function()
  local err
  setmetatable({}, { __gc = function() err = select(2, pcall(new, { max_workers = 1 })) end })
  t.eventually(function()
    collectgarbage()
    return err
  end)
  t.equal(err.kind, "invalid_state")
end)

P.test("a wait for a task raises in a finalizer (F8)", function()
  local pool <close> = new { max_workers = 1 }
  local err
  setmetatable({}, { __gc = function()
    local future = pool:submit(function() while true do end end)
    err = select(2, pcall(future.result, future))
    future:cancel()
  end })
  t.eventually(function()
    collectgarbage()
    return err
  end)
  t.equal(err.kind, "invalid_state")
end)

P.test("a host that reaps every child takes no pool down (F12)", function()
  local wait = require "gilua.ctypes".load("libc.so.6"):func("waitpid", "int", { "int", "void*", "int" })
  local pool = new { max_workers = 1 }
  t.equal(pool:submit(math.abs, -1):result(), 1)
  P.kill(zygote())
  t.eventually(function() return wait(-1, nil, 1) ~= 0 end)
  t.equal(pool:submit(math.abs, -2):result(), 2)
  pool:shutdown()
end)

P.test("max_tasks_per_child: the same worker so many times, then another, none too many alive (88)", function()
  local pool <close> = new { max_workers = 1, max_tasks_per_child = 3 }
  local pids, different = {}, {}
  for i = 1, 9 do pids[i] = pool:submit(P.pid):result() end
  for i = 1, 9 do different[pids[i]] = (different[pids[i]] or 0) + 1 end
  local n = 0
  for _, count in pairs(different) do
    t.equal(count, 3)
    n = n + 1
  end
  t.equal(n, 3)
end)

P.test("max_tasks_per_child: a backlog larger than workers times tasks is done (88)", function()
  for _, limit in ipairs { 1, 2, 7 } do
    local pool <close> = new { max_workers = 2, max_tasks_per_child = limit }
    local fs, per = {}, {}
    for i = 1, t.hostile and 10 or 60 do fs[i] = pool:submit(P.pid) end
    for _, f in ipairs(fs) do per[f:result()] = (per[f:result()] or 0) + 1 end
    for _, n in pairs(per) do t.equal(n <= limit, true, n .. " tasks") end
  end
end)

P.test("max_tasks_per_child: what the last task printed is not lost", function()
  local text = t.run { "-e", [[
    local pool <close> = require "gilua.futures".ProcessPoolExecutor{max_workers = 1, max_tasks_per_child = 1}
    for i = 1, 5 do pool:submit(io.write, i, " "):result() end]] }
  t.equal(text, "1 2 3 4 5 ")
end)

P.test("workers that cannot be had: a pool of many, and one that needs none", function()
  local pool <close> = new { max_workers = 100 }
  local fs = {}
  for i = 1, 100 do fs[i] = pool:submit(math.abs, -i) end
  for i = 1, 100 do t.equal(fs[i]:result(), i) end
end)

P.test("killing a worker ends the pool that a task of it made (98)", function()
  local path = os.tmpname()
  os.remove(path)
  local pool <close> = new { max_workers = 1 }
  local f = pool:submit(function(name)
    local inner = require "gilua.futures".ProcessPoolExecutor { max_workers = 1 }
    inner:submit(function(n)
      P.append(n, P.pid())
      while true do end
    end, name):result()
  end, path)
  t.eventually(function() return P.lines(path)[1] end)
  t.equal(f:cancel(), true)
  P.gone { tonumber(P.lines(path)[1]) }
  t.equal(pool:submit(math.abs, -1):result(), 1)
  os.remove(path)
end)

P.test("the program ends while its threads make pools", function()
  for ms = 0, 4 do
    local text, status = t.run({ "-e", [[
      local futures, threading = require "gilua.futures", require "gilua.threading"
      threading.excepthook = function() end
      for _ = 1, 2 do
        threading.start(function() for _ = 1, 5 do local pool <close> = futures.ProcessPoolExecutor { max_workers = 1 } end end)
      end
      require "gilua.time".sleep(]] .. ms / 1000 .. ")" })
    t.equal(text .. status, "0")
  end
end)

P.test("a pool that was dropped goes on with what it has when its zygote dies", function()
  local path, gate <close> = os.tmpname(), P.gate()
  os.remove(path)
  do
    local pool = new { max_workers = 1, retries = 3 }
    pool:submit(P.append, path, "first")
    pool:submit(P.pass, gate.path)
    pool:submit(P.append, path, "last")
  end
  t.eventually(function() return P.lines(path)[1] == "first" end)
  for _ = 1, 3 do collectgarbage() end
  kill_zygote()
  gate:open()
  t.eventually(function() return P.lines(path)[2] == "last" end)
  os.remove(path)
end)

P.test("pools that were dropped, and a Process that nobody joined, give back what they have of the system", function()
  local function held()
    local _, mappings = io.open("/proc/self/maps"):read("a"):gsub(" /dev/zero", "")
    local p <close> = io.popen "ls -l /proc/$PPID/fd 2>/dev/null"
    local _, events = p:read("a"):gsub("eventfd", "")
    return mappings .. " mappings, " .. events .. " events"
  end
  time.sleep(0) -- the main thread's own
  local before = held()
  do
    local kept = new { max_workers = 1 }
    kept:submit(math.abs, 1):result()
    assert(held() ~= before)
    kept:shutdown()
    t.eventually(function() return held() == before end, "what a pool had that was shut down")
    t.equal(select(2, pcall(kept.submit, kept, print)).kind, "invalid_state")
  end
  do
    local pool = new { max_workers = 2 }
    pool:submit(math.abs, 1):result()
    pool:submit(time.sleep, 0.01)
  end
  t.eventually(function()
    collectgarbage()
    return held() == before
  end, "what a dropped pool had")
  local p = require "gilua.multiprocessing".Process { target = print, args = { } }
  local q <close> = setmetatable({}, { __close = function() t.equal(p:join(), true) end })
  p:start()
  t.eventually(function() return held() == before end, "what a process had")
end)

t.finish()
