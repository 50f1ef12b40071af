-- What a worker is born with, and what stays in it. Hazards F5, F10, F11, F14; behaviour 99.
local t = require "testing"
local futures = require "gilua.futures"
local P = require "processes"
local new = futures.ProcessPoolExecutor

-- Runs a program with those lines around; the text it prints, its status.
local function program(lines)
  return t.run({ "-e", 'local futures = require "gilua.futures" local P = require "processes" ' .. lines })
end

P.test("random numbers differ in each worker (F14)", function()
  local pool <close> = new { max_workers = 8 }
  local gate <close> = P.gate()
  local fs, seen = {}, { [math.random(1 << 60)] = true }
  local function number(path)
    local n = math.random(1 << 60)
    P.pass(path)
    return n, math.random(1 << 60)
  end
  for i = 1, 8 do fs[i] = pool:submit(number, gate.path) end
  for i = 1, 8 do t.eventually(function() return fs[i]:running() end) end
  gate:open()
  for i = 1, 8 do
    for _, n in ipairs { fs[i]:result() } do
      t.equal(seen[n], nil)
      seen[n] = true
    end
  end
end)

P.test("what a task prints comes once, in the order of its tasks, also before its worker dies", function()
  local text, status = program [[
    io.write("parent ") -- buffered at the fork
    local pool <close> = futures.ProcessPoolExecutor{max_workers = 1}
    for i = 1, 3 do pool:submit(print, i):result() end
    pool:submit(io.write, "four"):result()
    pcall(function() pool:submit(function() io.write(" five\n") os.exit(1) end):result() end)
    print "end"]]
  t.equal(text, "parent 1\n2\n3\nfour five\nend\n")
  t.equal(status, 0)
end)

P.test("what a task wrote to any file is written when its result is there", function()
  local name = os.tmpname()
  local pool <close> = new { max_workers = 1 }
  pool:submit(function(path)
    the_file = io.open(path, "w")
    the_file:write("written")
  end, name):result()
  t.equal(io.open(name):read("a"), "written")
  pool:terminate()
  os.remove(name)
end)

P.test("a program whose output is a pipe that is full still makes a pool", function()
  local text = program [[
    io.stdout:setvbuf("full", 1 << 20)
    io.write(("x"):rep(1000), "\n")
    local pool <close> = futures.ProcessPoolExecutor{max_workers = 2}
    for i = 1, 20 do pool:submit(io.write, ("y"):rep(2000), "\n") end]]
  local _, x = text:gsub("x", "")
  local _, y = text:gsub("y", "")
  t.equal(x, 1000)
  t.equal(y, 40000)
end)

P.test("what the program has buffered in a file of its own is written once (F10)", function()
  local name = os.tmpname()
  local f <close> = io.open(name, "w")
  f:setvbuf("full", 1 << 16)
  f:write("header\n")
  handle_of_test = f
  do
    local pool <close> = new { max_workers = 1 }
    pool:submit(function() handle_of_test:write("worker\n") handle_of_test:flush() end):result()
    pcall(function() pool:submit(os.exit, 0, true):result() end)
  end
  f:close()
  handle_of_test = nil
  local _, headers = io.open(name):read("a"):gsub("header", "")
  os.remove(name)
  t.equal(headers, 1)
end)

P.test("standard input is empty in a worker, and whole in the program", function()
  local text = t.run({ "-e", [[
    print(io.read())
    local pool <close> = require "gilua.futures".ProcessPoolExecutor{max_workers = 2}
    print(pool:submit(io.read):result())
    print(pool:submit(function() local p = io.popen("cat") return #p:read("a") end):result())
    print(io.read())]] }, { stdin = "one\ntwo\n" })
  t.equal(text, "one\nnil\n0\ntwo\n")
end)

P.test("finalizers and pending variables of the program do not run in workers (F5)", function()
  local text, status = program [[
    local parent = P.pid()
    local function say(what) return function() if P.pid() ~= parent then io.write(what, " in worker\n") end end end
    kept = setmetatable({}, {__gc = say "finalizer"})
    local scope <close> = setmetatable({}, {__close = say "close"})
    do
      local pool <close> = futures.ProcessPoolExecutor{max_workers = 1}
      for _, close in ipairs{false, true} do pcall(function() pool:submit(os.exit, 0, close):result() end) end
      pool:submit(function() end):result()
      pcall(function() pool:submit(P.die, P.TERM):result() end)
    end
    print "end"]]
  t.equal(text, "end\n")
  t.equal(status, 0)
end)

P.test("an error in a worker, wherever it is raised, never comes out in the program that made the pool (F4)", function()
  local text, status = t.run { "-e", [[
    local futures = require "gilua.futures"
    local function fails(pool, f, ...) assert(not pcall(function(...) return pool:submit(f, ...):result() end, ...)) end
    local function worse() error "while an error is made text" end
    local made = pcall(function()
      local pool <close> = futures.ProcessPoolExecutor { max_workers = 1, memory_limit = 32 << 20 }
      fails(pool, function() error() end)
      fails(pool, function() error(setmetatable({}, { __tostring = worse })) end)
      fails(pool, function() error(coroutine.create(print)) end)
      fails(pool, function() return coroutine.create(print) end)
      fails(pool, function() return { [coroutine.create(print)] = 1 } end)
      fails(pool, function() coroutine.yield() end)
      fails(pool, function() local function deep() return deep() + 1 end return deep() end)
      fails(pool, function() local s = {} for i = 1, math.huge do s[i] = string.rep("x", 1 << 20) .. i end end)
      fails(pool, function(s) return s end, string.rep("x", 64 << 20))
      fails(pool, function() return string.rep("x", 24 << 20), string.rep("y", 24 << 20) end)
      fails(pool, setmetatable({}, { __call = error }))
      fails(pool, function() setmetatable({}, { __gc = worse }) collectgarbage() error "after it" end)
      assert(pool:submit(math.abs, -4):result() == 4)
      fails(pool, function() debug.sethook(worse, "crl", 1) end)
    end)
    local broken = pcall(function()
      local pool <close> = futures.ProcessPoolExecutor { max_workers = 1, initializer = worse }
      return pool:submit(math.abs, -4):result()
    end)
    print(made, broken)
  ]] }
  t.equal(text, "true\tfalse\n")
  t.equal(status, 0)
end)

P.test("objects of the library that a worker collects do nothing to the program", function()
  local threading, multiprocessing = require "gilua.threading", require "gilua.multiprocessing"
  other_pool = new { max_workers = 1 }
  other_future = other_pool:submit(math.abs, -1)
  other_array = multiprocessing.shared_array("i64", 4)
  other_thread = threading.start(function() end)
  other_array[1] = 7
  do
    local pool <close> = new { max_workers = 1 }
    pool:submit(function()
      other_pool, other_future, other_array, other_thread = nil, nil, nil, nil
      collectgarbage()
      collectgarbage()
    end):result()
  end
  t.equal(other_future:result(), 1)
  t.equal(other_pool:submit(math.abs, -2):result(), 2)
  t.equal(other_array[1], 7)
  other_thread:join()
  other_pool:shutdown()
  other_pool, other_future, other_array, other_thread = nil, nil, nil, nil
end)

P.test("a pool of the program is invalid_state in its workers, its end there is harmless", function()
  outer = new { max_workers = 2 }
  outer_future = outer:submit(function() return 5 end)
  local pool <close> = new { max_workers = 1 }
  local kinds = { pool:submit(function()
    local gilua = require "gilua"
    local function kind(f, ...)
      local ok, err = pcall(f, ...)
      return ok and "fine" or gilua.is_error(err) and err.kind or tostring(err)
    end
    local submit, cancel = kind(outer.submit, outer, print), kind(outer_future.cancel, outer_future)
    local wait = kind(outer_future.result, outer_future)
    kind(outer.shutdown, outer)
    kind(outer.terminate, outer)
    return submit, cancel, wait
  end):result() }
  t.equal(kinds[1], "invalid_state")
  t.equal(kinds[2] == "invalid_state" or kinds[2] == "fine", true, kinds[2])
  t.equal(kinds[3] == "invalid_state" or kinds[3] == "fine", true, kinds[3])
  t.equal(outer_future:result(), 5)
  t.equal(outer:submit(math.abs, -1):result(), 1)
  outer:shutdown()
  outer, outer_future = nil, nil
end)

P.test("what a task changes stays in its worker", function()
  global_of_test = 1
  local captured = { 1 }
  local pool <close> = new { max_workers = 1 }
  pool:submit(function() global_of_test = 2 captured[1] = 2 end):result()
  t.equal(global_of_test, 1)
  t.equal(captured[1], 1)
  global_of_test = nil
end)

P.test("signals of a worker: SIGINT and SIGQUIT do nothing to it and are default in what it executes (F11)", function()
  local pool <close> = new { max_workers = 1 }
  local pid = pool:submit(P.pid):result()
  P.kill(pid, P.INT)
  P.kill(pid, 3)
  t.equal(pool:submit(P.pid):result(), pid)
  local ok, how, sig = pool:submit(os.execute, "kill -INT $$"):result()
  t.equal(ok, nil)
  t.equal(how, "signal")
  t.equal(sig, P.INT)
  local status = pool:submit(function() return io.popen("cat /proc/self/status"):read("a") end):result()
  t.equal(tonumber(status:match("SigBlk:%s*(%x+)"), 16), 0, "blocked")
  t.equal(tonumber(status:match("SigIgn:%s*(%x+)"), 16) & 0x7fffffff & ~(1 << 12), 0, "ignored")
end)

P.test("a pool made while another thread executes a command has its signals in order (F11)", function()
  local threading = require "gilua.threading"
  local gate <close> = P.gate()
  local thread = threading.start(os.execute, "while [ -e " .. gate.path .. " ]; do sleep 0.01; done")
  t.eventually(function() return #P.children() > 0 end)
  local pool <close> = new { max_workers = 1 }
  local _, how, sig = pool:submit(os.execute, "kill -INT $$"):result()
  gate:open()
  thread:join()
  t.equal(how, "signal")
  t.equal(sig, P.INT)
end)

P.test("Ctrl-C interrupts the program while its workers go on", function()
  local text, status = program [[
    local gilua = require "gilua"
    local gate <close> = P.gate()
    local pool <close> = futures.ProcessPoolExecutor{max_workers = 2}
    local fs = {pool:submit(P.pass, gate.path, 1), pool:submit(P.pass, gate.path, 2)}
    for _, f in ipairs(fs) do while not f:running() do require "gilua.time".sleep(0.001) end end
    for _, pid in ipairs(P.children()) do P.kill(pid, P.INT) end
    local ok, err = pcall(function()
      require "gilua.threading".start(function() P.kill(P.pid(), P.INT) end)
      return fs[1]:result()
    end)
    print(ok, gilua.is_error(err, "interrupted"))
    gate:open()
    print(fs[1]:result(), fs[2]:result())
    os.exit(0)]]
  t.equal(text, "false\ttrue\n1\t2\n")
  t.equal(status, 0)
end)

P.test("a task may start threads, use futures and pools of its own", function()
  local pool <close> = new { max_workers = 1 }
  for _ = 1, 3 do
    local a, b, c, d = pool:submit(function()
      local gilua = require "gilua"
      local t1 = gilua.threading.start(function() return 1 end)
      local tp <close> = gilua.futures.ThreadPoolExecutor { max_workers = 2 }
      local pp <close> = gilua.futures.ProcessPoolExecutor { max_workers = 2 }
      local f, g = tp:submit(math.abs, -2), pp:submit(math.abs, -3)
      local called
      g:add_done_callback(function(x) called = x:result() end)
      while not called do gilua.time.sleep(0.001) end
      return t1:result(), f:result(), g:result(), called
    end):result()
    t.equal(a + b + c + d, 9)
  end
end)

P.test("a task of a worker that was executed anew may make such pools, whatever the program is called", function()
  local pool <close> = new { max_workers = 1, start = "spawn" }
  local n = pool:submit(function()
    local inner <close> = require "gilua.futures".ProcessPoolExecutor { max_workers = 1, start = "spawn" }
    return inner:submit(math.abs, -3):result()
  end):result()
  t.equal(n, 3)
end)

P.test("a thread that a task left behind does not hurt the next tasks", function()
  local pool <close> = new { max_workers = 1 }
  pool:submit(function()
    require "gilua.threading".start(function() while true do require "gilua.time".sleep(0.001) end end)
    require "gilua.threading".Thread { target = function() while true do end end, daemon = true }:start()
  end):result()
  for i = 1, 20 do t.equal(pool:submit(math.abs, -i):result(), i) end
end)

P.test("a worker is named for who looks with ps, and lies in the same process group", function()
  local pool <close> = new { max_workers = 1 }
  t.equal(pool:submit(function() return io.open("/proc/self/comm"):read() end):result():find("gilua") ~= nil, true)
  local function group() return io.open("/proc/self/stat"):read("a"):match("%) %a %d+ (%d+) (%d+)") end
  t.equal(table.concat({ pool:submit(group):result() }, " "), table.concat({ group() }, " "))
end)

t.finish()
