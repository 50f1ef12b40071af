-- random.lua SEED STEPS: random calls of LuaSocket's interface, right and wrong ones, on objects in all states; all that comes back is
-- printed. lua5.4 with LuaSocket and gilua with gilua.socket must print the same.
local ours, socket = pcall(require, "gilua.socket")
if not ours then socket = require "socket" end
local common = require "common"
local random, pick = common.generator(tonumber(arg[1]) or 1)
local unix = ours and socket.unix or require "socket.unix"

-- Showing values: what differs in each run (ports, descriptors, addresses) is a word.
local function of_text(s) return common.quote((s:gsub("0x%x+", "ADDRESS"):gsub("%f[%d]%d%d%d%d%d%f[%D]", "PORT"))) end

local function show(value, depth)
  local kind = math.type(value) or type(value)
  if kind == "string" then return of_text(value) end
  if kind == "integer" or kind == "float" then
    return kind .. ":" .. (value >= 10000 and value < 70000 and "PORT" or tostring(value))
  end
  if kind == "userdata" then return (tostring(value):gsub(":.*", "")) end
  if kind ~= "table" then return tostring(value):gsub(": .*", "") .. "" end
  if (depth or 0) > 2 then return "{…}" end
  return common.fields(value, function(v) return show(v, (depth or 0) + 1) end)
end

local step = 0
local write = common.reporter(show, io.stdout)
local function report(what, ...) write(step, what, ...) end

-- The objects, in numbered places; none is collected, which would close it at some time.
local PLACES, objects, anchor = 10, {}, {}
local port = {} -- of servers
local function place() return random(PLACES) end

local function limit(o)
  if type(o) ~= "userdata" or not o.settimeout then return end
  pcall(o.settimeout, o, pick { 0, 0.01, 0.01 }, "b")
  pcall(o.settimeout, o, random(3) == 1 and 0.02 or -1, "t")
end

local function keep(o)
  local i = place()
  if type(objects[i]) == "userdata" and objects[i] ~= o then objects[i]:close() end
  limit(o)
  objects[i] = o
  anchor[#anchor + 1] = o
  return i
end

-- What functions are called with.
local constants = { true, false, -1, 0, 1, 2, 3, 7, 2.5, "1", "2.5", "x", "", "*l", "*a", "*x", "l", "line\nrest", "one\r\ntwo\n", ("y"):rep(70),
  "127.0.0.1", "::1", "0.0.0.0", "*", "localhost", "not a host", "1.2.3", "b", "t", "r", "both", "send", "receive", "inet", "inet6",
  "unspec", 1e15, -5, 0 / 0, "\0\1", {}, { on = true, timeout = 1 }, print }

-- A number that somebody listens to: one that is free again may be anybody's.
local function some_port()
  local p = port[random(#port + 1)]
  return p and p.of:getsockname() and p.number or nil
end

local function argument()
  local turn = random(12)
  if turn == 1 then return nil end
  if turn == 2 then return objects[place()] end
  if turn == 3 then return some_port() or 1 end
  if turn == 4 then return tostring(some_port() or "http") end
  return pick(constants)
end
local function arguments()
  local n = pick { 0, 1, 1, 2, 2, 3, 4 }
  local list = { n = n }
  for i = 1, n do list[i] = argument() end
  return list
end

local methods = { "accept", "bind", "close", "connect", "dirty", "getfamily", "getoption", "getpeername", "getsockname", "gettimeout",
  "listen", "receive", "receive", "receive", "receivefrom", "send", "send", "send", "sendto", "setoption", "setpeername", "setsockname",
  "setstats", "settimeout", "shutdown", "nothing" }
local options = { "keepalive", "reuseaddr", "reuseport", "tcp-nodelay", "linger", "broadcast", "ip-multicast-loop", "recv-buffer-size",
  "send-buffer-size", "tcp-keepidle", "tcp-keepcnt", "tcp-keepintvl", "error", "ipv6-v6only", "dontroute", "ip-multicast-if",
  "ip-multicast-ttl", "ip-add-membership", "ipv6-multicast-hops", "ipv6-unicast-hops", "tcp-defer-accept", "tcp-fastopen", "nothing", "" }

-- Names are looked up of this machine only, and with time enough: that time counts for the timeout in gilua (docs/socket.md).
local looks_up = { connect = true, connect4 = true, connect6 = true, bind = true, setpeername = true, setsockname = true }
local hosts = { ["127.0.0.1"] = true, ["::1"] = true, ["0.0.0.0"] = true, ["*"] = true, ["localhost"] = true, [""] = true }
local function of_this_machine(name, args)
  if not looks_up[name] then return args end
  if type(args[1]) == "number" or (type(args[1]) == "string" and not hosts[args[1]]) then args[1] = "not a host" end
  return args
end

-- A call by method syntax, from a line of Lua, so that messages have a position and a name.
local callers = {}
local function caller(name)
  callers[name] = callers[name] or load("return function(o, ...) return o:" .. name .. "(...) end", "=call")()
  return callers[name]
end

-- What would wait without end is not asked for: the timeouts are set again after each step.
local function call(o, name, args)
  if of_this_machine(name, args) and looks_up[name] and type(o) == "userdata" then
    pcall(o.settimeout, o, 20, "b")
    pcall(o.settimeout, o, -1, "t")
  end
  local style, results = random(8), nil
  if style == 1 then results = table.pack(pcall(function() return o[name](table.unpack(args, 1, args.n)) end))
  elseif style == 2 then results = table.pack(pcall(o[name], o, table.unpack(args, 1, args.n)))
  else results = table.pack(pcall(caller(name), o, table.unpack(args, 1, args.n))) end
  report(show(o) .. ":" .. name .. show(args), table.unpack(results, 1, results.n))
  for i = 2, results.n do if type(results[i]) == "userdata" and results[i] ~= o then keep(results[i]) end end
  limit(o)
end

local actions = {}

function actions.method()
  local o = objects[place()]
  if o == nil then return end
  local name, args = pick(methods), arguments()
  for i = 1, name:find "^send" and 1 or 0 do -- a part of a port's number could not be told from other words
    if math.type(args[i]) == "integer" or tostring(args[i]):find "^%d%d%d" then args[i] = "digits" end
  end
  call(o, name, args)
end
actions.method2, actions.method3, actions.method4 = actions.method, actions.method, actions.method

function actions.option()
  local o = objects[place()]
  if o == nil then return end
  local args = arguments()
  args.n = math.max(args.n, 1)
  args[1] = pick(options)
  call(o, pick { "getoption", "setoption" }, args)
end

function actions.make()
  local name = pick { "tcp", "tcp4", "tcp6", "udp", "udp4", "udp6" }
  local maker = socket[name]
  if random(4) == 1 then
    name = pick { "stream", "dgram" }
    maker = unix[name]
  end
  local results = table.pack(pcall(maker, table.unpack(random(5) == 1 and { argument() } or {})))
  report(name, table.unpack(results, 1, results.n))
  if results[1] and results[2] then keep(results[2]) end
end

-- Sensible objects: a pair, a server, a bound or connected udp.
function actions.pair()
  local host = pick { "127.0.0.1", "127.0.0.1", "localhost" }
  local server = assert(socket.bind(host == "localhost" and "127.0.0.1" or host, 0))
  local _, p = server:getsockname()
  local client, why = socket.connect(host, p)
  report("connect", client, why)
  if not client then return end
  server:settimeout(1)
  local accepted = server:accept()
  keep(client)
  keep(accepted)
  if random(2) == 1 then server:close() else
    keep(server)
    port[#port % 5 + 1] = { of = server, number = p }
  end
end
actions.pair2 = actions.pair

function actions.datagrams()
  local a, b = socket.udp(), socket.udp()
  report("setsockname", a:setsockname("127.0.0.1", 0))
  local _, p = a:getsockname()
  port[#port % 5 + 1] = { of = a, number = p }
  if random(2) == 1 then
    report("setpeername", b:setpeername("127.0.0.1", p))
    report("send", b:send("datagram"))
  else
    report("sendto", b:sendto("datagram", "127.0.0.1", p))
  end
  keep(a)
  keep(b)
end

-- Two ends of a local socket; the names are of this folder.
local names_made = 0
function actions.local_pair()
  names_made = names_made + 1
  local path = "local" .. names_made
  if random(2) == 1 then
    local server, client = unix.stream(), unix.stream()
    report("bind", server:bind(path))
    report("listen", server:listen(pick { 1, 8 }))
    report("connect", client:connect(path))
    server:settimeout(1)
    local accepted = server:accept()
    keep(client)
    keep(accepted)
    keep(server)
  else
    local a, b = unix.dgram(), unix.dgram()
    report("bind", a:bind(path))
    report("sendto", b:sendto("datagram", path))
    report("connect", b:connect(path))
    keep(a)
    keep(b)
  end
end

function actions.talk()
  local o = objects[place()]
  if type(o) ~= "userdata" then return end
  if random(2) == 1 then call(o, "send", { pick { "a line\n", "two\nlines\n", "no end", "", "cr\r\nlf\n" }, n = 1 }) else
    call(o, "receive", { pick { "*l", "*a", 1, 5, 0, "3", 2.9 }, random(3) == 1 and "prefix" or nil, n = random(0, 2) })
  end
end
actions.talk2, actions.talk3 = actions.talk, actions.talk

function actions.send_and_receive()
  local o = objects[place()]
  if type(o) ~= "userdata" then return end
  call(o, "send", { "some words\nand more", random(-3, 12), random(-3, 12), n = random(3) })
end

local function some_list()
  if random(8) == 1 then return argument() end
  local list = {}
  for i = 1, random(0, 5) do
    local turn = random(12)
    list[i] = turn == 1 and io.stdin or turn == 2 and {} or turn == 3 and "x"
      or turn == 4 and { getfd = function() return pick { -1, "x", 2.5 } end } or objects[place()] or nil
    if list[i] == nil then break end
  end
  return list
end

-- The order is that of descriptors, which are other numbers in the two programs: it is left out.
local function of_select(list)
  if type(list) ~= "table" then return list end
  local out = {}
  for i, o in ipairs(list) do
    out[#out + 1] = show(o) .. (math.type(list[o]) or "?") .. (list[list[o]] == o and "" or "!")
  end
  table.sort(out)
  return #out .. " " .. table.concat(out, ",")
end

function actions.select()
  local call_select = load("return function(s, ...) return s.select(...) end", "=call")()
  local r, w = some_list(), some_list()
  local results = table.pack(pcall(call_select, socket, r, w, pick { 0, 0.01, "0.01" }))
  results[2], results[3] = of_select(results[2]), of_select(results[3])
  report("select", table.unpack(results, 1, results.n))
end
actions.select2 = actions.select

-- Not skip: LuaSocket takes negative numbers there, and reads what is below its stack.
local functions = { "connect", "connect4", "connect6", "bind", "sleep", "try", "newtry", "protect", "choose", "source", "sink" }
function actions.call_module()
  local name, args = pick(functions), arguments()
  if name == "sleep" then args = pick { { 0, n = 1 }, { n = 0 }, { "x", n = 1 }, { -1, n = 1 }, { "0.001", n = 1 } } end
  of_this_machine(name, args)
  local results = table.pack(pcall(load("return function(s, ...) return s." .. name .. "(...) end", "=call")(), socket,
    table.unpack(args, 1, args.n)))
  report(name .. show(args), table.unpack(results, 1, results.n))
  if type(results[2]) == "userdata" then keep(results[2]) end
end

function actions.dns()
  local name = pick { "getaddrinfo", "getnameinfo", "toip", "tohostname", "gethostname" }
  local args = pick { { "localhost", n = 1 }, { "127.0.0.1", n = 1 }, { "::1", n = 1 }, { "not a host", n = 1 }, { n = 0 }, { nil, "80", n = 2 },
    { "127.0.0.1", "80", n = 2 }, { "127.0.0.1", "nothing", n = 2 }, { {}, n = 1 }, { 5, n = 1 }, { "localhost", 80, n = 2 }, { nil, nil, n = 2 },
    { "", n = 1 }, { "1.2", n = 1 } }
  local results = table.pack(pcall(load("return function(s, ...) return s." .. name .. "(...) end", "=call")(), socket.dns,
    table.unpack(args, 1, args.n)))
  report("dns." .. name .. show(args), table.unpack(results, 1, results.n))
end

function actions.close()
  local i = place()
  if type(objects[i]) == "userdata" then call(objects[i], "close", { n = 0 }) end
end

for number = 1, tonumber(arg[2]) or 300 do
  step = number
  common.run(actions, pick, 1)
end
