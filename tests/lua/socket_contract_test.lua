-- gilua.socket beside threads, where LuaSocket's contract is about time or descriptors; what one thread sees is compared with lua5.4 in
-- tests/peers/socket.
local t = require "testing"
local threading = require "gilua.threading"
t.find_system_modules()
t.needs "socket"
local socket = require "gilua.socket"

local function pair()
  local s = assert(socket.bind("127.0.0.1", 0))
  local a = assert(socket.connect("127.0.0.1", (select(2, s:getsockname()))))
  local b = assert(s:accept())
  s:close()
  return a, b
end

t.test("with both timeouts set, the block timeout bounds each wait and the total one the call", function()
  local a, b = pair()
  b:settimeout(4, "b") -- less than the sum of the pauses, far more than one
  b:settimeout(t.limit, "t")
  local feeder = threading.start(function()
    for _ = 1, 5 do
      socket.sleep(0.9)
      a:send("x")
    end
  end)
  t.equal(b:receive(5), "xxxxx")
  b:settimeout(t.limit, "b")
  b:settimeout(0.05, "t")
  t.equal(select(2, b:receive(1)), "timeout")
  b:settimeout(0.05, "b")
  b:settimeout(t.limit, "t")
  t.equal(select(2, b:receive(1)), "timeout")
  t.join { feeder }
  a:close()
  b:close()
end)

t.test("the peer hears a close beside a command that runs on", function()
  local a, b = pair()
  local other = io.popen("cat >/dev/null", "w")
  local command = threading.start(os.execute, "exec sleep 5")
  t.parked(command, "fd")
  b:close()
  a:settimeout(t.limit)
  t.equal(select(2, a:receive()), "closed")
  a:close()
  command:cancel()
  command:join()
  other:close()
end)

t.test("a socket is no executor, future, thread, lock or queue: it is refused", function()
  local futures, threading = require "gilua.futures", require "gilua.threading"
  local udp, tcp = socket.udp(), socket.tcp()
  local pool <close> = futures.ThreadPoolExecutor(1)
  local calls = {
    ["Executor expected"] = { pool.submit, pool.map, pool.shutdown, pool.terminate },
    ["gilua.Future expected"] = { futures.Future().result, futures.Future().cancel },
    ["gilua.Thread expected"] = { threading.Thread().start, threading.Thread().join },
    ["Lock, RLock or Condition expected"] = { threading.Lock().acquire },
  }
  for message, functions in pairs(calls) do
    for _, f in ipairs(functions) do
      t.raises(message, f, tcp, print)
      t.raises(message, f, udp, print)
    end
  end
  udp:close()
  tcp:close()
end)

t.test("a thread that has ended keeps no descriptor, though no other one is started after it", function()
  local function descriptors()
    local p <close> = io.popen "ls /proc/$PPID/fd | wc -l"
    return p:read "n"
  end
  local a = assert(socket.udp())
  a:setsockname("127.0.0.1", 0)
  a:settimeout(0.001)
  a:receive() -- this thread has its own from now on
  a:settimeout(nil)
  local before = descriptors()
  local thread = threading.start(function() return a:receive() end)
  t.parked(thread, "fd")
  thread:cancel()
  thread:join()
  t.eventually(function() return descriptors() == before end, "the descriptor of the thread's waits to be closed")
  a:close()
end)

t.test("every descriptor of a socket is close-on-exec", function()
  local a, b = pair()
  local u, v = socket.udp(), socket.udp6()
  u:sendto("x", "127.0.0.1", 9)
  local server = assert(socket.bind("127.0.0.1", 0))
  for _, o in ipairs { a, b, u, v, server, socket.tcp4() } do
    local info <close> = assert(io.open("/proc/self/fdinfo/" .. math.tointeger(o:getfd())))
    local flags = tonumber(info:read("a"):match("flags:%s*(%d+)"), 8)
    t.equal(flags & tonumber("2000000", 8) ~= 0, true, tostring(o))
    o:close()
  end
end)

t.test("a method of another family is refused, also where the object would wait", function()
  local a, b = pair()
  local udp = socket.udp()
  t.raises("bad argument #1 to '%?' %(udp{any} expected%)", udp.settimeout, a, 1)
  t.raises("tcp{client} expected", a.receive, udp)
  for _, o in ipairs { a, b, udp } do o:close() end
end)

t.test("without a free descriptor the module says so, and is there later", function()
  local code = [[
    local files = {}
    repeat local f = io.open "/dev/null" files[#files + 1] = f until not f
    local _, e = pcall(require, "gilua.socket")
    for _, f in ipairs(files) do f:close() end
    print((tostring(e):gsub("\n.*", "")))
    print((pcall(require, "gilua.socket")))
  ]]
  local path = string.format("package.path, package.cpath = %q, %q ", package.path, package.cpath)
  local text = t.run({ "-e", path .. code }, { before = "ulimit -n 40; " })
  t.equal(text, "gilua.socket cannot load LuaSocket: Too many open files\ntrue\n")
end)

t.finish()
