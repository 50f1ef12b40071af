-- Every method of every class of LuaSocket, on an object in every state, with arguments of every kind, right and wrong: the results one by
-- one, numbers with their type, messages with line and argument number, and what the object is then. lua5.4 and gilua must print the same.
local ours, socket = pcall(require, "gilua.socket")
if not ours then socket = require "socket" end
local unix = ours and socket.unix or require "socket.unix"
local common = require "common"

local function show(value, depth)
  local kind = math.type(value) or type(value)
  if kind == "string" then return (common.quote(value):gsub("%f[%d]%d%d%d%d%d%f[%D]", "PORT"):gsub("/tmp/lua_%w+", "PATH")) end
  if kind == "integer" or kind == "float" then return kind .. ":" .. (value >= 10000 and value < 70000 and "PORT" or tostring(value)) end
  if kind ~= "table" or (depth or 0) > 2 then return (tostring(value):gsub(":? .*", "")) end
  return common.fields(value, function(v) return show(v, (depth or 0) + 1) end)
end
local report = common.reporter(show, io.stdout)

local kept = {} -- the other ends, until the object was looked at

local function keep(other) kept[#kept + 1] = other end

local function brief(...)
  for _, object in ipairs { ... } do object:settimeout(0.01) end
  return ...
end

local function connected(family)
  local path = os.tmpname()
  os.remove(path)
  local server, client
  if family == "unix" then
    server, client = unix.stream(), unix.stream()
    assert(server:bind(path))
    assert(server:listen())
    assert(client:connect(path))
    os.remove(path)
  else
    server = assert(socket.bind("127.0.0.1", 0))
    client = assert(socket.connect("127.0.0.1", (select(2, server:getsockname()))))
  end
  local accepted = assert(server:accept())
  server:close()
  return brief(client, accepted)
end

-- A client, after the other end has done something.
local function client(act, family)
  return function()
    local near, far = connected(family)
    keep(far)
    if act then act(near, far) end
    return near
  end
end

local function read_ahead(near, far)
  far:send "hello\r\nworld\nrest"
  socket.select({ near }, nil, 1)
  near:receive "*l"
end

local function named() -- a UDP object that has an address
  local u = socket.udp4()
  u:setsockname("127.0.0.1", 0)
  return brief(u)
end

local function closed(make)
  return function()
    local object = make()
    object:close()
    return object
  end
end

local states = {
  { "tcp", socket.tcp },
  { "bound", function()
    local m = socket.tcp4()
    m:bind("127.0.0.1", 0)
    return m
  end },
  { "server", function() return brief(assert(socket.bind("127.0.0.1", 0))) end },
  { "refused", function()
    local m = socket.tcp()
    m:connect("127.0.0.1", 1)
    return m
  end },
  { "client", client() },
  { "client with data", client(function(_, far) far:send "hello\r\nworld\nrest" end) },
  { "client that has read ahead", client(read_ahead) },
  { "client whose other end has gone", client(function(_, far)
    far:send "par"
    far:close()
  end) },
  { "client that sends no more", client(function(near) near:shutdown "send" end) },
  { "client that was shut down", client(function(near) near:shutdown() end) },
  { "closed client", closed(client()) },
  { "closed client that has read ahead", closed(client(read_ahead)) },
  { "closed tcp", closed(socket.tcp) },
  { "udp", function() return brief(socket.udp()) end },
  { "udp with data", function()
    local u, v = named(), named()
    keep(v)
    v:sendto("datagram", u:getsockname())
    return u
  end },
  { "connected udp with data", function()
    local u, v = named(), named()
    keep(v)
    u:setpeername(v:getsockname())
    v:sendto("datagram", u:getsockname())
    return u
  end },
  { "closed udp", closed(socket.udp) },
  { "unix", unix.stream },
  { "unix client with data", client(function(_, far) far:send "line\nmore" end, "unix") },
  { "closed unix", closed(unix.stream) },
  { "dgram", function() return brief(unix.dgram()) end },
  { "closed dgram", closed(unix.dgram) },
}

local methods, calls = {}, {}
for _, object in ipairs { socket.tcp(), socket.udp(), unix.stream(), unix.dgram() } do
  for name, method in pairs(getmetatable(object).__index) do
    if type(method) == "function" and name ~= "setfd" then methods[name] = true end
  end
end
local names = {}
for name in pairs(methods) do
  names[#names + 1] = name
  calls[name] = load("return function(o, ...) return o:" .. name .. "(...) end", "=call")()
end
table.sort(names)

local single = { n = 19, nil, true, false, -1, 0, 1, 1.5, 0 / 0, "", "x", "*a", "*l", "*n", "5", {}, print, "b", "send", 1 << 20 }
local pairs_of = { { "x", "y" }, { "127.0.0.1", 0 }, { "127.0.0.1", "0" }, { "abc", 2 }, { "abc", 2, 3 }, { "abc", -2 }, { "abc", 5 },
  { "abc", 2, 1 }, { "abc", "2" }, { "abc", {} }, { "abc", 1, {} }, { "*l", "pre" }, { "*a", "pre" }, { 3, "pre" }, { 3, "prefix" },
  { "*l", 5 }, { "*l", {} }, { 1, "t" }, { 1, "q" }, { nil, "t" }, { "1", "t" }, { 1, 2, 3 }, { "1", "2", "3" }, { "data", "127.0.0.1", 1 },
  { "data", nil, 1 }, { "*", 1 }, { ("p"):rep(200) } }
local options = { { "reuseaddr", true }, { "reuseaddr", 1 }, { "reuseaddr" }, { "keepalive", true }, { "linger", { on = true, timeout = 1 } },
  { "linger", { on = 1 } }, { "linger", 1 }, { "tcp-nodelay", true }, { "tcp-nodelay", "x" }, { "ipv6-v6only", true }, { "broadcast", true },
  { "ip-multicast-ttl", 5 }, { "ip-multicast-loop", true }, { "ip-add-membership", { multiaddr = "bad", interface = "*" } },
  { "ip-add-membership", {} }, { "recv-buffer-size", 5000 }, { "send-buffer-size", 5000 }, { "tcp-keepidle", 10 }, { "tcp-keepcnt", 3 },
  { "tcp-keepintvl", 3 }, { "reuseport", true }, { "error" }, { "dontroute", true }, { "bindtodevice", "lo" }, { "unknown", true } }

-- What a name is looked up for, or a file made, stands in other programs.
local takes_host = { bind = true, connect = true, setpeername = true, setsockname = true }

local function skip(state, name, first, second)
  if not takes_host[name] or second == nil then return takes_host[name] and first and (state:find "unix" or state:find "dgram") end
  return first ~= "127.0.0.1" and first ~= "*" or state:find "unix" or state:find "dgram"
end

local function try(state, make, name, ...)
  if skip(state, name, ...) then return end
  local object = make()
  local results = table.pack(pcall(calls[name], object, ...))
  if name == "getfd" and math.type(results[2]) and results[2] > 2 then results[2] = "a descriptor" end
  if name == "getstats" and results[4] then results[4] = "an age" end
  report(state, name .. show { ... }, table.unpack(results, 1, results.n))
  if name ~= "close" then io.write("\tnow a ", (tostring(object):gsub(":.*", "")), "\n") end
  object:close()
  for i = #kept, 1, -1 do table.remove(kept):close() end
end

for _, state in ipairs(states) do
  for _, name in ipairs(names) do
    local function each(list)
      for _, arguments in ipairs(list) do try(state[1], state[2], name, table.unpack(arguments, 1, 3)) end
    end
    try(state[1], state[2], name)
    for i = 1, single.n do try(state[1], state[2], name, single[i]) end
    each(name:find "option" and options or pairs_of)
  end
end
