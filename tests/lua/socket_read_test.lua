-- Streams that are read without LuaSocket: the thread waits in the read itself, and signals end it.
local t = require "testing"
local threading = require "gilua.threading"
local gilua = require "gilua"
local signal = require "gilua.signal"
t.find_system_modules()
t.needs "socket"
local socket = require "gilua.socket"

local listener = assert(socket.bind("127.0.0.1", 0))
local function pair()
  local _, port = listener:getsockname()
  local a = assert(socket.connect("127.0.0.1", port))
  return a, assert(listener:accept())
end

local function pid()
  local f <close> = assert(io.open "/proc/self/stat")
  return math.tointeger(f:read "n")
end

local function descriptors()
  local n, list = 0, io.popen("ls /proc/" .. pid() .. "/fd 2>/dev/null")
  for _ in list:lines() do n = n + 1 end
  list:close()
  return n
end

local function never_blocks(fd)
  local f <close> = assert(io.open("/proc/self/fdinfo/" .. math.tointeger(fd)))
  return tonumber(f:read "a":match "flags:%s*(%d+)", 8) & 2048 ~= 0
end

local signals = not os.getenv "TSAN_OPTIONS" -- which holds signals back: poll waits there

if signals then
  t.test("a thread that waits for a stream needs no descriptor of its own", function()
    collectgarbage() -- names that were looked up
    local threads, ends, before = {}, {}, descriptors()
    for i = 1, 20 do
      local a, b = pair()
      ends[i] = a
      threads[i] = threading.start(function()
        local line = b:receive()
        b:close()
        return line
      end)
    end
    for _, thread in ipairs(threads) do t.parked(thread, "fd") end
    local now = descriptors()
    t.equal(now < before + 50, true, "20 more if each had one: " .. now - before)
    for i, a in ipairs(ends) do a:send(i .. "\n") end
    for i, thread in ipairs(threads) do t.equal(thread:result(), tostring(i)) end
    for _, a in ipairs(ends) do a:close() end
  end)
end

t.test("getfd gives a descriptor that never blocks, amid a read, too", function()
  local a, b = pair()
  local reader = threading.start(function() return b:receive(), b:receive() end)
  t.parked(reader, "fd")
  t.equal(never_blocks(b:getfd()), true)
  a:send "one\n"
  t.parked(reader, "fd")
  t.equal(never_blocks(b:getfd()), true)
  a:send "two\n"
  local one, two = reader:result()
  t.equal(one .. two, "onetwo")
  a:close()
  b:close()
end)

t.test("what was read ahead is given line by line, is dirty meanwhile, and counts once", function()
  local a, b = pair()
  local lines = {}
  for i = 1, 300 do lines[i] = ("line %d %s"):format(i, ("x"):rep(i)) end
  local all = table.concat(lines, "\r\n") .. "\r\nrest"
  a:send(all)
  for i, line in ipairs(lines) do
    t.equal(b:receive(), line)
    if i == 1 then t.equal(b:dirty(), true) end
  end
  t.equal(b:receive(2), "re")
  local readable = socket.select({ b }, nil, 0)
  t.equal(readable[b], 1)
  t.equal(b:receive(2, "p"), "ps")
  t.equal(b:receive(1), "t")
  t.equal(b:dirty(), false)
  t.equal(b:getstats(), #all + 0.0)
  a:close()
  t.equal(select(2, b:receive()), "closed")
  b:close()
end)

t.test("much is read in large pieces, and what two readers get is all that came", function()
  local a, b = pair()
  local data = ("0123456789abcdef"):rep(20000)
  local writer = threading.start(function()
    for _ = 1, 4 do a:send(data) end
    a:shutdown "send"
  end)
  local readers = t.start(2, function() return { b:receive(#data), b:receive(#data) } end)
  local bytes = 0
  for _, reader in ipairs(readers) do
    for _, part in ipairs(reader:result()) do bytes = bytes + #part end
  end
  t.join { writer }
  t.equal(bytes, 4 * #data)
  t.equal(select(2, b:receive "*a"), "closed")
  a:close()
  b:close()
end)

t.test("a large read of a socket that is closed meanwhile, or has no descriptor, gives what came", function()
  for _, n in ipairs { 100000, 1000000, 1e15 } do
    local a, b = pair()
    b:send "xy"
    local reader = threading.start(function() return table.pack(a:receive(n, "before ")) end)
    t.eventually(function() return reader.waits_for end)
    a:close()
    local got = reader:result()
    t.equal(got[2], "closed")
    t.equal(got[3], "before xy")
    local c, d = pair()
    local fd = c:getfd()
    c:setfd(-1)
    got = table.pack(c:receive(n, "before "))
    c:setfd(fd)
    t.equal(got[2], "closed")
    t.equal(got[3], "before ")
    for _, s in ipairs { b, c, d } do s:close() end
  end
end)

t.test("timeouts end a read, those of the block, of the call, short and long ones", function()
  local a, b = pair()
  for _, case in ipairs { { 0.15 }, { 0.15, "t" }, { 0.01 }, { 0 } } do
    b:settimeout(-1)
    b:settimeout(-1, "t")
    b:settimeout(table.unpack(case))
    local data, why, part = b:receive(5)
    t.equal(why, "timeout")
    t.equal(part, "")
    a:send "abc"
    if case[1] == 0 then t.eventually(function() return (socket.select({ b }, nil, 0))[b] end, "the bytes") end
    data, why, part = b:receive(5)
    t.equal(why, "timeout")
    t.equal(part, "abc")
    t.equal(data, nil)
  end
  a:close()
  b:close()
end)

t.test("a storm of cancels ends every read", function()
  for _ = 1, 10 do
    local ends, threads = {}, {}
    for i = 1, 30 do
      local a, b = pair()
      ends[i] = { a, b }
      threads[i] = threading.Thread { target = function() return pcall(b.receive, b) end }
      threads[i]:start()
    end
    for _, thread in ipairs(threads) do thread:cancel() end -- some before their reads, some amid, some after their signal
    for i, thread in ipairs(threads) do
      pcall(thread.join, thread)
      t.equal(thread:is_alive(), false)
      ends[i][1]:close()
      ends[i][2]:close()
    end
  end
end)

t.test("who is cancelled amid a read disturbs no other reader of the socket, and no later read", function()
  local a, b = pair()
  local again = threading.Event()
  local cancelled = threading.Thread { target = function()
    local ok, err = pcall(b.receive, b)
    t.equal(ok, false)
    t.equal(gilua.is_error(err, "cancelled"), true)
    again:wait()
    return b:receive()
  end }
  local other = threading.Thread { target = function() return b:receive() end }
  cancelled:start()
  other:start()
  t.parked(cancelled, "fd")
  t.parked(other, "fd")
  cancelled:cancel()
  t.parked(cancelled, "event")
  t.parked(other, "fd")
  a:send "one\n"
  t.equal(other:result(), "one")
  again:set()
  t.parked(cancelled, "fd")
  a:send "two\n"
  t.equal(cancelled:result(), "two")
  a:close()
  b:close()
end)

if signals then
  t.test("a storm of signals with handlers in Lua disturbs no read and loses no byte", function()
    local a, b = pair()
    local heard = 0
    signal.signal("SIGUSR1", function() heard = heard + 1 end)
    local storm = io.popen(("exec lua5.4 -e 'for i = 1, 20 do os.execute(\"i=0; while [ $i -lt 100 ]; do kill -USR1 %d; i=$((i+1)); done\") end'")
      :format(pid()))
    local writer = threading.start(function()
      for i = 1, 300 do
        a:send(i .. "\n")
        t.equal(a:receive(), tostring(i))
      end
      storm:close()
      a:send "end\n"
    end)
    local n = 0
    for line in function() return (b:receive()) end do
      if line == "end" then break end
      n = n + 1
      t.equal(line, tostring(n))
      b:send(line .. "\n")
    end
    t.equal(n, 300)
    t.equal(heard > 0, true)
    t.join { writer }
    signal.signal("SIGUSR1", "default")
    a:close()
    b:close()
  end)

  t.test("a stop and a continuation disturb no read", function()
    local a, b = pair()
    local reader = threading.start(function() return b:receive() end)
    for _ = 1, 5 do
      t.parked(reader, "fd")
      os.execute(("(kill -STOP %d; kill -CONT %d) & wait"):format(pid(), pid()))
    end
    a:send "still there\n"
    t.equal(reader:result(), "still there")
    a:close()
    b:close()
  end)
end

local function udp_pair()
  local a, b = assert(socket.udp4()), assert(socket.udp4())
  for _, u in ipairs { a, b } do assert(u:setsockname("127.0.0.1", 0)) end
  assert(a:setpeername(b:getsockname()))
  return a, b
end

t.test("datagrams: of every size, cut where less is asked for, empty ones, with their sender", function()
  local a, b = udp_pair()
  local from, port = a:getsockname()
  for _, case in ipairs { { 0 }, { 1 }, { 100, 10 }, { 8192 }, { 9000 }, { 9000, 9000 }, { 9000, 1e6 }, { 5, 0 } } do
    local sent = ("x"):rep(case[1])
    a:send(sent)
    local data, address, number = b:receivefrom(case[2])
    t.equal(data, sent:sub(1, case[2] or 8192))
    t.equal(address, from)
    t.equal(number, math.tointeger(port))
  end
  a:send "one"
  t.equal(b:receive(2), "on")
  a:send "two"
  t.equal(select("#", b:receive()), 1)
  b:sendto("back", from, port)
  t.equal(a:receive(), "back")
  t.equal(select(2, b:receive(-1)), "out of memory")
  t.equal(select(2, b:receive(1e18)), "out of memory")
  t.raises("udp{unconnected} expected", a.receivefrom, a)
  for _, seconds in ipairs { 0, 0.01, 0.15 } do
    b:settimeout(seconds)
    t.equal(select(2, b:receivefrom()), "timeout")
  end
  a:close()
  t.equal(select(2, pcall(a.receive, a)) ~= nil, true)
  b:close()
end)

t.test("who was heard is answered as LuaSocket does it, whatever the arguments are", function()
  local a, b = assert(socket.udp4()), assert(socket.udp4())
  assert(a:setsockname("127.0.0.1", 0))
  assert(b:setsockname("127.10.200.99", 0))
  local address, port = a:getsockname()
  port = math.tointeger(port)
  for _ = 1, 2 do -- LuaSocket sends the first one
    a:sendto("to you", b:getsockname())
    local data, from, number = b:receivefrom()
    t.equal(data .. from .. number, "to you" .. address .. port)
    t.equal(b:sendto("back", from, number), 4)
    data, from, number = a:receivefrom()
    t.equal(data .. from, "back127.10.200.99")
    t.equal(math.type(number), "integer")
  end
  for _, case in ipairs { { address, tostring(port) }, { address, port + 0.0 }, { "127.1", port }, { "0x7f.1", port } } do
    local sent, why = b:sendto("x", table.unpack(case))
    if sent then t.equal(a:receive(), "x") end
    t.equal(sent or why, math.type(case[2]) == "float" and "Name or service not known" or 1, tostring(case[2]))
  end
  t.equal(b:sendto("", address, port), 0)
  t.equal(a:receive(), "")
  t.equal(b:sendto(12, address, port), 2)
  t.equal(a:receive(), "12")
  t.equal(select(2, b:sendto("x", "no address", port)), "Name or service not known")
  t.equal(select(2, b:sendto(("x"):rep(70000), address, port)), "Message too long")
  t.equal(select(2, b:sendto("x", address, 0)), "Invalid argument")
  t.equal(select(2, b:sendto("x", address, -1)), "Servname not supported for ai_socktype")
  t.raises("bad argument #3", b.sendto, b, "x", nil, port)
  b:setpeername(address, port)
  t.raises("udp{unconnected} expected", b.sendto, b, "x", address, port)
  b:setpeername "*"
  t.equal(b:sendto("again", address, port), 5)
  t.equal(a:receive(), "again")
  b:close()
  local ok, why = pcall(b.sendto, b, "x", address, port)
  t.equal(ok and why or nil, nil)
  a:close()
end)

t.test("a refused datagram is told, and ends a wait", function()
  local a, b = udp_pair()
  local reader = threading.start(function() return select(2, a:receive()) end)
  t.parked(reader, "fd")
  b:close()
  a:send "x"
  t.equal(reader:result(), "connection refused")
  a:close()
end)

t.test("threads that wait for datagrams are cancelled, and closed out", function()
  for round = 1, 20 do
    local a, b = udp_pair()
    local thread = threading.Thread { target = function() return pcall(b.receivefrom, b) end }
    thread:start()
    if round % 2 == 0 then t.parked(thread, "fd") end -- else before its read, or on the way
    thread:cancel()
    pcall(thread.join, thread)
    t.equal(thread:is_alive(), false)
    local reader = threading.start(function() return select(2, b:receivefrom()) end)
    t.parked(reader, "fd")
    a:send "still there"
    t.equal(reader:result(), a:getsockname())
    reader = threading.start(function() return { b:receive() } end)
    t.parked(reader, "fd")
    b:close()
    t.equal(reader:result()[2], "closed")
    a:close()
  end
end)

t.test("getfd of a datagram socket gives a descriptor that never blocks", function()
  local a, b = udp_pair()
  local reader = threading.start(function() return b:receive(), b:receive() end)
  t.parked(reader, "fd")
  t.equal(never_blocks(b:getfd()), true)
  a:send "one"
  t.parked(reader, "fd")
  t.equal(never_blocks(b:getfd()), true)
  a:send "two"
  local one, two = reader:result()
  t.equal(one .. two, "onetwo")
  a:close()
  b:close()
end)

t.test("a reset is told as LuaSocket tells it", function()
  local a, b = pair()
  local reader = threading.start(function() return { b:receive() } end)
  t.parked(reader, "fd")
  a:setoption("linger", { on = true, timeout = 0 })
  a:close()
  local answer = reader:result()
  t.equal(answer[2], "closed")
  t.equal(gilua.is_error(answer[2]), false)
  b:close()
end)

t.finish()
