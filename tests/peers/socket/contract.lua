-- What LuaSocket's objects do in each state, call by call: connecting again, all addresses of a name, numbers and options of every form,
-- select with odd lists, objects that are closed or were never connected. lua5.4 and gilua must print the same.
local ours, socket = pcall(require, "gilua.socket")
if not ours then socket = require "socket" end
local unix = ours and socket.unix or require "socket.unix"
local common = require "common"

local function show(value, depth)
  local kind = math.type(value) or type(value)
  if kind == "string" then return #value > 300 and "string of " .. #value or common.quote((value:gsub("%f[%d]%d%d%d%d%d%f[%D]", "PORT"))) end
  if kind == "integer" or kind == "float" then return kind .. ":" .. (value >= 10000 and value < 70000 and "PORT" or tostring(value)) end
  if kind ~= "table" or (depth or 0) > 2 then return (tostring(value):gsub(":? .*", "")) end
  return common.fields(value, function(v) return show(v, (depth or 0) + 1) end)
end
local write = common.reporter(show, io.stdout)
local function report(what, ...) write("", what, ...) end

-- Calls o:name(...) from a line of Lua, which messages name.
local function try(o, name, ...)
  local call = load("return function(o, ...) return o:" .. name .. "(...) end", "=call")()
  report(name .. " " .. show { ... }, pcall(call, o, ...))
end
local function each(o, names) for name in names:gmatch "%S+" do try(o, name) end end

local function pair()
  local s = assert(socket.bind("127.0.0.1", 0))
  local c = assert(socket.connect("127.0.0.1", (select(2, s:getsockname()))))
  local a = assert(s:accept())
  s:close()
  c:settimeout(0.05)
  a:settimeout(0.05)
  return c, a
end
local none = 0 / 0

-- connect to where nobody listens, again, and again when somebody does.
local function listen_at(port)
  local s = socket.tcp()
  s:setoption("reuseaddr", true)
  if port then assert(s:bind("127.0.0.1", port)) else assert(s:bind("127.0.0.1", 0)) end
  assert(s:listen(32))
  return s
end
local s = listen_at()
local port = select(2, s:getsockname())
s:close()
-- Where localhost is an IPv6 address, too, IPv4 has it twice, and LuaSocket says "closed" at the second: a row of the table.
local simple = #socket.dns.getaddrinfo("localhost") == 1
for _, make in ipairs { "tcp", "tcp4", "tcp6" } do
  for _, host in ipairs { "127.0.0.1", (simple or make ~= "tcp4") and "localhost" or "127.0.0.1", "*", "::1" } do
    for _, timeout in ipairs { -1, 0, 5 } do
      local m = socket[make]()
      m:settimeout(timeout)
      report(make .. host .. timeout)
      for _ = 1, 3 do
        try(m, "connect", host, port)
        each(m, "getfamily getpeername")
        report("family", (select(3, m:getsockname())))
      end
      local server = listen_at(port)
      for _ = 1, 2 do try(m, "connect", host, port) end
      each(m, "getfamily getpeername")
      try(m, "send", "x")
      server:close()
      m:close()
      each(m, "getfamily getsockname")
      try(m, "connect", host, port)
    end
  end
end
do -- what is read ahead counts when it is handed out
  local server = listen_at()
  local a = socket.connect("127.0.0.1", (select(2, server:getsockname())))
  local b = server:accept()
  b:settimeout(5)
  a:send "abcdef\r\nghijkl\n"
  local function stats(what) report(what, (b:getstats())) end
  for _, how in ipairs { 3, 1, "*l", 2 } do
    report("receive", b:receive(how))
    stats "received"
  end
  b:setstats(100)
  stats "received after setstats"
  a:close()
  report("receive", b:receive "*a")
  stats "received"
  b:close()
  server:close()
end
for _, name in ipairs { "connect", "connect4", "connect6" } do
  local server = listen_at()
  local p = select(2, server:getsockname())
  for _, args in ipairs { { "127.0.0.1", p }, { "*", tostring(p) }, { "127.0.0.1", p, "127.0.0.1", 0 }, { "127.0.0.1", p, "::1", 0 },
    { "127.0.0.1", p, nil, nil, "inet6" }, { "127.0.0.1", p, nil, nil, "x" }, { "not a host", p }, { "127.0.0.1", "nothing" }, { "127.0.0.1", -1 },
    { "127.0.0.1\0x", p }, { {}, p }, { "127.0.0.1" } } do
    local call = load("return function(s, ...) return s." .. name .. "(...) end", "=call")()
    report(name .. show(args), pcall(call, socket, table.unpack(args, 1, 5)))
  end
  server:close()
end

-- Services are not those of other types of sockets.
for _, make in ipairs { "tcp", "udp" } do
  for _, service in ipairs { "http", "domain", "80", "nothing", "" } do
    for _, name in ipairs { make == "udp" and "setpeername" or "connect", make == "udp" and "setsockname" or "bind" } do
      try(socket[make](), name, "not a host", service)
    end
  end
end

-- Numbers and texts of receive, send and the timeouts, in every form.
local c, a = pair()
c:send(("x"):rep(60))
for _, n in ipairs { "3", 3.0, 2.9, "0x2", " 2 ", -1, 0, "0", none, -1 / 0, "3x", "", "*L", "*n", "*", "l", "*lx", "*ax", "**l", true, false, {}, print } do
  try(a, "receive", n)
  try(a, "receive", 1, n)
  try(a, "receive", 0, n)
end
for _, args in ipairs { { 5 }, { "abc", "2" }, { "abc", 2.5 }, { "abc", "x" }, { "abc", 0 }, { "abc", -2, -1 }, { "abc", 4 }, { "abc", 3, 2 }, { "abc", 1, 99 },
  { "abc", -99 }, { "abc", 1, -99 }, { "" }, { "abc", 2 ^ 53 }, { true }, { {} }, { "abc", {} }, { "abc", 1, {} }, { "abc", 1, 2, 3 }, {},
  { "abc", math.mininteger }, { "abc", 1, math.maxinteger } } do
  try(c, "send", table.unpack(args, 1, 3))
end
try(a, "receive", "*a")
for _, args in ipairs { {}, { "1" }, { "x" }, { true }, { 1, "t" }, { 1, "r" }, { 1, "" }, { 1, "x" }, { 1, 5 }, { 1, {} }, { none }, { 1 / 0 }, { -5, "t" } } do
  try(c, "settimeout", table.unpack(args, 1, 2))
  try(c, "gettimeout")
end

-- Patterns at the end of what comes, whole or not; behind a close.
for _, pattern in ipairs { "*a", "*l", 5, 100, 0 } do
  for _, prefix in ipairs { "none", "pre", "" } do
    c, a = pair()
    c:send "abc\r\nde"
    c:close()
    if prefix == "none" then prefix = nil end
    for _ = 1, 3 do try(a, "receive", pattern, prefix) end
    a:close()
    try(a, "receive", pattern, prefix)
    try(a, "send", "x")
    each(a, "dirty getpeername getsockname getfamily shutdown close getfd")
  end
end
for _, how in ipairs { "both", "send", "receive", "x" } do
  c, a = pair()
  c:send "rest\nof it"
  try(c, "shutdown", how)
  each(a, "receive dirty")
  for _ = 1, 2 do try(a, "receive", "*a") end
  try(a, "send", "back")
  try(c, "send", "x")
end
each(socket.tcp(), "accept dirty getfamily getfd getpeername getsockname listen receive send shutdown close listen getfd")
local unbound = socket.udp()
unbound:settimeout(0.01)
each(unbound, "receive send getpeername getsockname accept listen dirty close receive getsockname")
each(socket.bind("127.0.0.1", 0), "receive send dirty getpeername connect shutdown bind close accept getsockname")

-- select.
local function fake(fd, dirty) return { getfd = function() return fd end, dirty = dirty ~= nil and function() return dirty end or nil } end
c, a = pair()
c:send "one\ntwo\n"
a:receive()
local closed = socket.udp()
closed:close()
for _, list in ipairs { {}, { a }, { a, a, c }, { closed, c }, { c, nil, a }, { x = c }, { [0] = c }, { 5 }, { "x", c }, { {}, c }, { print }, { io.stdin, c },
  { fake(-1) }, { fake "x" }, { fake(1.5) }, { fake(nil) }, { fake(c:getfd(), true) }, { fake(-1, true) }, { { getfd = 5 } },
  { { getfd = function() error "in getfd" end } } } do
  for _, timeout in ipairs { 0, 0.01, "0" } do
    for _, lists in ipairs { { list, nil }, { nil, list }, { list, list } } do
      local results = table.pack(pcall(function() return socket.select(lists[1], lists[2], timeout) end))
      for i = 2, 3 do
        local names = {}
        for k, v in pairs(type(results[i]) == "table" and results[i] or {}) do
          names[#names + 1] = (k == a and "a" or k == c and "c" or math.type(k) and "n" or type(k)) .. (math.type(v) and tostring(v) or type(v))
        end
        table.sort(names)
        if type(results[i]) == "table" then results[i] = table.concat(names, " ") end
      end
      report("select " .. #list, table.unpack(results, 1, results.n))
    end
  end
end

-- Options, each with every kind of value.
local VALUES = { true, false, 1, 0, "x", "127.0.0.1", {}, { on = true, timeout = 5 }, { on = 1, timeout = 5 }, { on = true, timeout = "x" }, { on = false },
  { multiaddr = "224.0.0.1", interface = "*" }, { multiaddr = 5 }, { multiaddr = "ff02::1", interface = 0 }, 2.5, -1, 1e10 }
for _, make in ipairs { "tcp4", "tcp6", "udp4", "udp6" } do
  local o = socket[make]()
  for name in ("keepalive reuseaddr reuseport tcp-nodelay linger broadcast dontroute ip-multicast-loop ip-multicast-ttl ip-multicast-if " ..
    "ip-add-membership ip-drop-membership ipv6-v6only ipv6-unicast-hops ipv6-add-membership error recv-buffer-size tcp-keepidle x"):gmatch "%S+" do
    for _, value in ipairs(VALUES) do try(o, "setoption", name, value) end
    try(o, "setoption", name)
    try(o, "getoption", name)
  end
end

-- Datagrams and local sockets.
for _, make in ipairs { "udp", "udp4", "udp6" } do
  local host = make == "udp6" and "::1" or "127.0.0.1"
  local u, v = socket[make](), socket[make]()
  u:settimeout(0.02)
  v:settimeout(20) -- looking a name up counts
  try(u, "setsockname", host, 0)
  local p = select(2, u:getsockname())
  for _, n in ipairs { 3, 0, -1, 2.5, "4", "x", {} } do
    for _, name in ipairs { "receive", "receivefrom" } do
      v:sendto("hello", host, p)
      try(u, name, n)
    end
  end
  repeat local more = u:receive() until not more
  for _, args in ipairs { { "x", host, tostring(p) }, { "", host, p }, { "x", "not a host", p }, { "x", host, -1 }, { "x", "*", p }, { ("y"):rep(70000), host, p },
    { "x", host }, { {}, host, p } } do
    try(v, "sendto", table.unpack(args, 1, 3))
    try(u, "receivefrom")
  end
  for _, to in ipairs { host, host, "*", "not a host" } do
    try(v, "setpeername", to, p)
    each(v, "getpeername getfamily")
    try(v, "send", "x")
    try(v, "sendto", "x", host, p)
    for _ = 1, 2 do try(u, "receivefrom") end
  end
end
for _, kind in ipairs { "stream", "dgram" } do
  local o, other = unix[kind](), unix[kind]()
  o:settimeout(0.02)
  each(o, "getsockname receive send listen accept connect dirty getpeername gettimeout shutdown")
  o = unix[kind]()
  for _ = 1, 2 do try(o, "bind", kind) end
  try(other, "bind", kind)
  try(o, kind == "stream" and "listen" or "getsockname")
  for _, path in ipairs { "none", kind, kind } do
    try(other, "connect", path)
    try(other, "send", "x")
    try(other, "sendto", "x", path)
  end
  o:settimeout(0.02)
  each(o, "accept receivefrom receive")
end

-- protect and try.
local checked = socket.newtry(function() print "finalizer" end)
local f = socket.protect(function(...) return checked(...) end)
for _, args in ipairs { { 1, 2 }, { nil, "why", 5 }, { false, {} }, {} } do report("protect", f(table.unpack(args, 1, 3))) end
for _, raise in ipairs { function() error "text" end, function() error { 1 } end, function() error() end, function() socket.try(nil, "in try") end } do
  report("protect", pcall(socket.protect(raise)))
end

-- What pairs finds in the module, but for the parts that are loaded.
local names = {}
for name, value in pairs(socket) do names[#names + 1] = type(value) ~= "table" and name .. ":" .. type(value) or nil end
table.sort(names)
print(table.concat(names, " "))
