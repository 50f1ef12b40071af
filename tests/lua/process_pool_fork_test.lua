-- Tasks and programs that fork by themselves, through C. Hazard R9; behaviours 48 to 50, 53.
local t = require "testing"
local futures = require "gilua.futures"
local P = require "processes"
local new = futures.ProcessPoolExecutor

-- Forks in the worker; its child goes on as if it were the worker. Both return.
local function fork(release)
  return require "gilua.ctypes".load("libc.so.6"):func("fork", "int", {}, { release = release })()
end

-- The exit status of a child of the worker, 256 or more for a signal.
local function status_of(pid)
  local ctypes = require "gilua.ctypes"
  local status = ctypes.new("int")
  local got = ctypes.load("libc.so.6"):func("waitpid", "int", { "int", "void*", "int" })(pid, status, 0)
  if got ~= pid then return "no child" end
  return status[1] & 0x7f == 0 and status[1] >> 8 or 256 + (status[1] & 0x7f)
end

for _, release in ipairs { true, false } do
  P.test("a child that a task forked and that returns ends, and writes nothing (R9), release " .. tostring(release), function()
    local pool <close> = new { max_workers = 1 }
    for i = 1, t.hostile and 3 or 20 do
      local pid = pool:submit(fork, release):result()
      t.equal(pid > 0, true)
      t.equal(pool:submit(math.abs, -i):result(), i)
      t.equal(pool:submit(status_of, pid):result(), 0)
    end
  end)
end

P.test("a child that a task forked and that fails, or has a large result, ends alike (R9)", function()
  local pool <close> = new { max_workers = 1 }
  local function big_or_error(raises)
    local pid = fork(true)
    if pid == 0 and raises then error "in the child" end
    return pid, ("x"):rep(1 << 20)
  end
  for _, raises in ipairs { true, false } do
    local pid, text = pool:submit(big_or_error, raises):result()
    t.equal(#text, 1 << 20)
    t.equal(pool:submit(status_of, pid):result(), 0)
  end
end)

P.test("a thread of a task forks: its child ends with that thread (R9)", function()
  local pool <close> = new { max_workers = 1 }
  for i = 1, 5 do
    local pid = pool:submit(function()
      return require "gilua.threading".start(fork, false):result() -- its own thread has the lock
    end):result()
    t.equal(pool:submit(status_of, pid):result(), 0)
    t.equal(pool:submit(math.abs, -i):result(), i)
  end
end)

P.test("a task forks while its other threads run Lua: the child ends, whoever had the lock (R9)", function()
  local text, status = t.run { "-e", [[
    local P = require "processes"
    local pool <close> = require "gilua.futures".ProcessPoolExecutor{max_workers = 1}
    local pids = pool:submit(function()
      local gilua = require "gilua"
      local fork = gilua.ctypes.load("libc.so.6"):func("fork", "int", {})
      local stop, pids = false, {}
      local busy = gilua.threading.start(function() while not stop do end end)
      for i = 1, 10 do
        pids[i] = fork()
        if pids[i] == 0 then return end
      end
      stop = true
      busy:join()
      return pids
    end):result()
    P.gone(pids)
    print(pool:submit(math.abs, -7):result())]] }
  t.equal(status, 0, text)
  t.equal(text:find("7\n", 1, true) ~= nil, true, text)
end)

-- Runs a program with fork, wait and threading around; its text and status. The leak checker takes what vanished threads
-- had for leaks of the child.
local function program(lines)
  return t.run({ "-e", [[
    local gilua, P = require "gilua", require "processes"
    local threading, ctypes = gilua.threading, gilua.ctypes
    local libc = ctypes.load("libc.so.6")
    local released, fork = libc:func("fork", "int", {}), libc:func("fork", "int", {}, {release = false})
    local waitpid = libc:func("waitpid", "int", {"int", "void*", "int"})
    local function wait(pid)
      local status = ctypes.new("int")
      waitpid(pid, status, 0)
      return status[1] & 0x7f == 0 and status[1] >> 8 or -(status[1] & 0x7f)
    end ]] .. lines }, { before = "ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0 " })
end

P.test("in the child of a program only the forking thread exists, and is the main thread (48, 49)", function()
  local text, status = program [[
    local gate = threading.Event()
    local others = {threading.start(gate.wait, gate), threading.start(gate.wait, gate)}
    require "testing".parked(others)
    local pid = released() -- nobody has the lock
    if pid == 0 then
      local one = #threading.enumerate() == 1 and threading.main_thread() == threading.current_thread()
      for _, other in ipairs(others) do one = one and not other:is_alive() and other:join() end
      os.exit(one and 7 or 8)
    end
    gate:set()
    print(wait(pid))]]
  t.equal(text, "7\n")
  t.equal(status, 0)
end)

P.test("the child of a program may start threads, make a pool, and end as programs do (50, 53)", function()
  local text, status = program [[
    local pool <close> = gilua.futures.ThreadPoolExecutor{max_workers = 2}
    local before = pool:submit(math.abs, -1):result()
    local pid = fork()
    if pid > 0 then print(wait(pid)) return end
    print(threading.start(function() return "thread" end):result())
    local processes <close> = gilua.futures.ProcessPoolExecutor{max_workers = 1}
    print(processes:submit(function() return "process" end):result())
    threading.start(function() gilua.time.sleep(0.01) print "joined" end)]]
  t.equal(text, "thread\nprocess\njoined\n0\n")
  t.equal(status, 0)
end)

P.test("a thread that forks is the main program of its child, which ends with it (48, 53)", function()
  local text, status = program [[
    local function forked(how)
      local pid = fork()
      if pid > 0 then return wait(pid) end
      threading.start(function() gilua.time.sleep(0.01) end)
      if how == "error" then threading.excepthook = function() end error "child" end
      if how == "exit" then os.exit(5) end
    end
    for _, how in ipairs{"return", "error", "exit"} do print(threading.start(forked, how):result()) end]]
  t.equal(text, "0\n1\n5\n")
  t.equal(status, 0)
end)

t.finish()
