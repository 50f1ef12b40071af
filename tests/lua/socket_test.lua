-- gilua.socket: LuaSocket's results, and waits that leave the lock. Servers are on 127.0.0.1 only.
local t = require "testing"
local threading = require "gilua.threading"
local gilua = require "gilua"
local time = require "gilua.time"
t.find_system_modules()
t.needs "socket"
local socket = require "gilua.socket"

local function server(backlog)
  local s = assert(socket.bind("127.0.0.1", 0, backlog or 128))
  local _, port = s:getsockname()
  return s, tonumber(port)
end

local function pair()
  local s, port = server()
  local a = assert(socket.connect("127.0.0.1", port))
  local b = assert(s:accept())
  s:close()
  return a, b
end

t.test("two threads talk, and neither keeps the lock while it waits", function()
  local s, port = server()
  local echo = threading.start(function()
    local c = assert(s:accept())
    for _ = 1, 100 do assert(c:send(assert(c:receive()) .. "\n")) end
    c:close()
  end)
  t.parked(echo, "fd")
  local c = assert(socket.connect("127.0.0.1", port))
  for i = 1, 100 do
    c:send("line " .. i .. "\n")
    t.equal(c:receive(), "line " .. i)
  end
  t.equal(select(2, c:receive()), "closed")
  t.join { echo }
  c:close()
  s:close()
end)

t.test("receive takes what comes in pieces as if it had come at once", function()
  local a, b = pair()
  local writer = threading.start(function()
    for _, piece in ipairs { "ab", "c\r\nde", "f", "12345", "6", "789", "0the", " rest" } do
      t.parked(threading.main_thread(), "fd")
      a:send(piece)
    end
    t.parked(threading.main_thread(), "fd")
    a:shutdown("send")
  end)
  t.equal(b:receive "*l", "abc")
  t.equal(b:receive(5, "XY"), "XYdef")
  t.equal(b:receive(10), "1234567890")
  t.equal(b:receive "*a", "the rest")
  t.equal(select(2, b:receive "*a"), "closed")
  t.join { writer }
  a:close()
  b:close()
end)

t.test("a receive that is late answers with what came, as LuaSocket does", function()
  local a, b = pair()
  b:settimeout(0.02)
  a:send "part"
  local data, why, part = b:receive "*l"
  t.equal(data, nil)
  t.equal(why, "timeout")
  t.equal(part, "part")
  a:send " of it\n"
  t.equal(b:receive("*l", part), "part of it")
  b:settimeout(0)
  t.equal(select(2, b:receive(1)), "timeout")
  a:close()
  b:settimeout(nil)
  data, why, part = b:receive(7, "kept")
  t.equal(why, "closed")
  t.equal(part, "kept")
  b:close()
end)

t.test("timeouts are kept for the object and can be read", function()
  local a, b = pair()
  t.equal(table.concat({ a:gettimeout() }, " "), "-1.0 -1.0")
  a:settimeout(1000)
  a:settimeout(0.01, "t")
  t.equal(table.concat({ a:gettimeout() }, " "), "1000.0 0.01")
  local t0 = time.monotonic()
  t.equal(select(2, a:receive()), "timeout")
  t.near(time.monotonic() - t0, 0.0099, 999)
  t.raises("invalid timeout mode", a.settimeout, a, 1, "x")
  a:close()
  b:close()
end)

t.test("a peer that reads slowly gets all of a large send", function()
  local a, b = pair()
  local data = ("0123456789abcdef"):rep(1 << 20) -- 16 MiB: more than the system keeps
  local writer = threading.start(function() return a:send(data, 3, -5) end)
  t.parked(writer, "fd")
  local got = b:receive(#data - 6)
  t.equal(got == data:sub(3, -5), true)
  t.equal(writer:result(), #data - 4)
  a:settimeout(0.02)
  local sent, why, last = a:send(data .. data .. data)
  t.equal(sent, nil)
  t.equal(why, "timeout")
  t.equal(#b:receive(last), last)
  b:close()
  a:settimeout(nil)
  t.equal(select(2, a:send(data .. data .. data)), "closed")
  a:close()
end)

t.test("send answers alike the first time and later, for every pair of indices, and getstats counts all", function()
  local cases = { { 2, -2, 2 }, { 0, -1, 3 }, { -1, nil, 3 }, { 5, nil, 4 }, { 1, 100, 3 }, { 2, 1, 1 }, { nil, nil, 3 }, { 3, 3, 3 },
    { -100, nil, 3 }, { 1, -100, 0 } } -- by LuaSocket itself
  for _, first in ipairs { true, false } do
    local a, b = pair()
    local total = 0
    if not first then total = a:send("first") end
    for _, case in ipairs(cases) do
      local last, why = a:send("abc", case[1], case[2])
      t.equal(math.type(last), "float")
      t.equal(last, case[3], tostring(case[1]) .. " " .. tostring(case[2]))
      t.equal(why, nil)
    end
    a:close()
    t.equal(#b:receive("*a"), total + #"b" + 3 + 1 + 3 + 3 + 1 + 3)
    t.equal(select(2, b:getstats()), 0.0)
    b:close()
  end
  local a, b = pair()
  for i = 1, 10 do a:send("0123456789") end
  t.equal(select(2, a:getstats()), 100.0)
  t.equal(a:setstats(1, 2), 1)
  a:send("abc")
  t.equal(select(2, a:getstats()), 5.0)
  t.equal(a:send(12.5), 4.0)
  t.raises("expected", a.send, a, {})
  b:close()
  a:send("x") -- which the other side answers by a reset
  t.equal(t.eventually(function() return select(2, a:send("y")) end, "the reset"), "closed")
  t.equal(select(2, a:receive()), "closed")
  a:close()
  t.equal(select(2, a:send("abc")), "closed")
end)

t.test("a read that waits before it asks takes what is there", function()
  local a, b = pair()
  local reader = threading.start(function()
    for i = 1, 20 do t.equal(b:receive(), "line " .. i) end -- each has to wait
    t.equal(b:receive(0), "")
    t.equal(b:receive(3, "abc"), "abc")
    t.raises("invalid receive pattern", b.receive, b, "*x")
    t.equal(b:receive("*l"), "two")
    t.equal(b:receive("*l"), "lines") -- read ahead
    b:settimeout(0.01)
    t.equal(select(2, b:receive()), "timeout")
    b:settimeout(0)
    t.equal(select(2, b:receive()), "timeout")
  end)
  for i = 1, 20 do
    t.parked(reader, "fd")
    a:send("line " .. i .. "\n")
    if i < 20 then t.eventually(function() return reader.waits_for end) end
  end
  a:send("two\nlines\n")
  t.join { reader }
  a:close()
  b:close()
end)

t.test("a half-closed socket still gives what the other side sends", function()
  local a, b = pair()
  a:shutdown "send"
  t.equal(select(2, b:receive()), "closed")
  b:send "after\n"
  t.equal(a:receive(), "after")
  a:close()
  b:close()
end)

t.test("connecting to a port where nobody listens is refused; to a full backlog times out", function()
  local s, port = server(0)
  local refused, why = socket.connect("127.0.0.1", 1)
  t.equal(refused, nil)
  t.equal(why, "connection refused")
  local clients = {}
  for i = 1, 20 do -- the backlog of 0 takes one or two, then the system ignores them
    local c = socket.tcp()
    c:settimeout(0.02)
    local ok, reason = c:connect("127.0.0.1", port)
    clients[i] = c
    if not ok then
      t.equal(reason, "timeout")
      why = "full"
      break
    end
  end
  t.equal(why, "full")
  for _, c in ipairs(clients) do c:close() end
  s:close()
end)

t.test("names that nobody knows are an outcome, and looking them up leaves the lock", function()
  local names = t.start(4, function() return socket.dns.toip("nosuch.invalid") end)
  t.join(names)
  local ip, why = names[1]:result()
  t.equal(ip, nil)
  t.equal(type(why), "string")
  ip, why = socket.tcp():connect("nosuch.invalid", 80)
  t.equal(ip, nil)
  t.equal(type(why), "string")
  t.equal(socket.connect("nosuch.invalid", 80), nil)
  t.equal(socket.bind("nosuch.invalid", 0), nil)
end)

t.test("names of this machine are found", function()
  t.equal(socket.dns.toip "127.0.0.1", "127.0.0.1")
  local ip, host = socket.dns.toip "localhost"
  t.equal(ip, "127.0.0.1")
  t.equal(host.ip[1], ip)
  t.equal(type(host.name) .. type(host.alias), "stringtable")
  local list = socket.dns.getaddrinfo "127.0.0.1"
  t.equal(list[1].addr .. list[1].family, "127.0.0.1inet")
  t.equal(type(socket.dns.tohostname "127.0.0.1"), "string")
  t.equal(type(socket.dns.getnameinfo("127.0.0.1")[1]), "string")
  local s, port = server()
  local c = assert(socket.connect4("localhost", port))
  c:close()
  c = assert(socket.connect("127.0.0.1", port, "127.0.0.1", 0, "inet"))
  c:close()
  s:close()
end)

t.test("datagrams: receive, receivefrom, sendto, a connected pair, timeouts", function()
  local a, b = assert(socket.udp()), assert(socket.udp())
  a:setsockname("127.0.0.1", 0)
  b:setsockname("127.0.0.1", 0)
  local _, port_a = a:getsockname()
  local _, port_b = b:getsockname()
  local reader = threading.start(function() return a:receivefrom() end)
  t.parked(reader, "fd")
  t.equal(b:sendto("hello", "127.0.0.1", port_a) ~= nil, true)
  local data, ip, port = reader:result()
  t.equal(data .. ip .. tostring(port), "hello127.0.0.1" .. tostring(port_b))
  a:setpeername("127.0.0.1", port_b)
  t.equal(a:send "back" ~= nil, true)
  t.equal(b:receive(2), "ba")
  b:settimeout(0.01)
  t.equal(select(2, b:receive()), "timeout")
  a:close()
  b:close()
end)

t.test("select waits without the lock, sees what was read ahead, and names the ready ones", function()
  local a, b = pair()
  local ready, writable, late = socket.select({ b }, { a }, 1)
  t.equal(#ready, 0)
  t.equal(writable[1], a)
  t.equal(writable[a], 1)
  t.equal(late, nil)
  t.equal(select(3, socket.select({ b }, nil, 0)), "timeout")
  t.equal(select(3, socket.select(nil, nil, 0.001)), "timeout")
  local waiter = threading.start(function() return socket.select({ a, b }) end)
  t.parked(waiter, "fd")
  a:send "one\ntwo\n"
  ready = waiter:result()
  t.equal(ready[1], b)
  t.equal(#ready, 1)
  t.equal(b:receive(), "one")
  t.equal(socket.select({ b }, nil, 5)[b], 1) -- in LuaSocket's buffer
  a:close()
  b:close()
end)

t.test("closing a socket brings out the threads that wait for it", function()
  local s = server()
  local a, b = pair()
  local u = assert(socket.udp())
  u:setsockname("127.0.0.1", 0)
  local waiters = {}
  for i = 1, 3 do
    waiters[#waiters + 1] = threading.start(function() return select(2, s:accept()) end)
    waiters[#waiters + 1] = threading.start(function() return select(2, b:receive()) end)
    waiters[#waiters + 1] = threading.start(function() return select(2, u:receive()) end)
  end
  t.parked(waiters, "fd")
  for _, object in ipairs { s, b, u } do t.equal(object:close(), 1) end
  for _, waiter in ipairs(waiters) do t.equal(waiter:result(), "closed") end
  t.equal(select(2, b:receive()), "closed")
  a:close()
end)

t.test("cancel reaches every wait", function()
  local s, port = server()
  local a, b = pair()
  local u = assert(socket.udp())
  u:setsockname("127.0.0.1", 0)
  local big = ("x"):rep(1 << 24)
  local calls = {
    function() s:accept() end, function() b:receive() end, function() b:receive "*a" end,
    function() u:receivefrom() end, function() a:send(big) end, function() socket.select({ s }) end,
    function() socket.sleep(1000) end,
  }
  for i, call in ipairs(calls) do
    local thread = threading.start(call)
    t.parked(thread)
    thread:cancel()
    thread:join()
    t.raises_kind("cancelled", thread.result, thread)
  end
  for _, object in ipairs { s, a, b, u } do object:close() end
end)

t.test("local sockets wait in the same way", function()
  local unix = socket.unix
  local dir = io.popen("mktemp -d"):read "l"
  local path = dir .. "/s"
  local s = assert(unix.stream())
  assert(s:bind(path))
  assert(s:listen())
  local echo = threading.start(function()
    local c = assert(s:accept())
    c:send(c:receive() .. "\n")
    c:close()
  end)
  t.parked(echo, "fd")
  local c = assert(unix.stream())
  assert(c:connect(path))
  c:send "local\n"
  t.equal(c:receive(), "local")
  t.join { echo }
  c:close()
  s:close()
  os.execute("rm -r " .. dir)
end)

t.test("http of LuaSocket fetches while other threads run", function()
  local s, port = server()
  local serving = threading.start(function()
    for i = 1, 8 do
      local c = assert(s:accept())
      threading.start(function()
        local path = c:receive():match "GET (%S+)"
        repeat until assert(c:receive()) == ""
        local body = path:rep(1000)
        c:send("HTTP/1.0 200 OK\r\nContent-Length: " .. #body .. "\r\n\r\n" .. body)
        c:close()
      end)
    end
  end)
  local fetchers = t.start(8, function(i)
    local body, status = socket.http.request("http://127.0.0.1:" .. port .. "/" .. i)
    t.equal(status, 200)
    t.equal(body, ("/" .. i):rep(1000))
  end)
  t.join(fetchers)
  t.join { serving }
  s:close()
end)

t.test("inside a finalizer a call that would wait raises", function()
  local a, b = pair()
  local kind
  setmetatable({}, { __gc = function()
    local _, err = pcall(b.receive, b)
    kind = gilua.is_error(err, "invalid_state")
  end })
  collectgarbage()
  collectgarbage()
  t.equal(kind, true)
  a:close()
  b:close()
end)

t.test("what is no socket is refused as LuaSocket does", function()
  local a, b = pair()
  t.raises("expected", a.receive, {})
  t.raises("expected", a.receive, io.stdout)
  t.raises("expected", a.receive, socket.udp())
  t.raises("invalid receive pattern", a.receive, a, "*x")
  a:close()
  b:close()
  t.equal(select(2, a:receive()), "closed")
end)

if not os.getenv("TSAN_OPTIONS") then -- which holds signals back
  for what, call in pairs {
    ["accept"] = "s:accept()", ["receive"] = "c:receive()", ["receivefrom"] = "u:receivefrom()",
    ["send"] = "c:send(('x'):rep(1 << 24))", ["select"] = "socket.select({ s })",
  } do
    t.test("Ctrl-C ends " .. what, function()
      local text = t.run { "-e", "package.path, package.cpath = [[" .. package.path .. "]], [[" .. package.cpath .. "]]",
        "-e", [[
          local t, threading, gilua = require "testing", require "gilua.threading", require "gilua"
          local socket = require "gilua.socket"
          local s, u = socket.bind("127.0.0.1", 0), socket.udp()
          u:setsockname("127.0.0.1", 0)
          local c = socket.connect("127.0.0.1", ({ s:getsockname() })[2])
          local peer = s:accept()
          local main = threading.main_thread()
          threading.Thread { daemon = true, target = function()
            t.parked(main, "fd")
            os.execute("kill -INT " .. main.native_id)
          end }:start()
          local ok, err = pcall(function() ]] .. call .. [[ end)
          print(ok, gilua.is_error(err, "interrupted"))]] }
      t.equal(text, "false\ttrue\n")
    end)
  end
end

t.test("without LuaSocket the error names the package", function()
  local text, status = t.run { "-e", "package.path, package.cpath = '', '' require 'gilua.socket'" }
  t.equal(status, 1)
  t.equal(text:find("'lua-socket'", 1, true) ~= nil, true, text)
end)

t.finish()
