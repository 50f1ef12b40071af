-- The functions of LuaSocket's modules, socket.*, dns, url, tp, mime, ltn12 and the others: each with arguments of every kind, right and
-- wrong, and errors that callbacks raise inside them, with the stack that a handler sees. lua5.4 and gilua must print the same.
local ours, socket = pcall(require, "gilua.socket")
if not ours then socket = require "socket" end
local common = require "common"
local M = { socket = socket, dns = socket.dns, unix = ours and socket.unix or require "socket.unix", url = require "socket.url",
  tp = require "socket.tp", http = require "socket.http", ftp = require "socket.ftp", smtp = require "socket.smtp",
  headers = require "socket.headers", mime = require "mime", ltn12 = require "ltn12" }
local ltn12, mime = M.ltn12, M.mime
for _, part in ipairs { "source", "sink", "filter", "pump" } do M[part] = ltn12[part] end
M.sourcet, M.sinkt = socket.sourcet, socket.sinkt

local function show(value, depth)
  local kind = math.type(value) or type(value)
  if kind == "string" then
    if #value > 3000 then return "string of " .. #value end
    return (common.quote(value):gsub("%f[%d]%d%d%d%d%d%f[%D]", "PORT"):gsub("gilua%.(socket)", "%1"):gsub("([me][et])%.core%.", "%1."))
  end
  if kind == "integer" or kind == "float" then return kind .. ":" .. (value >= 10000 and value < 70000 and "PORT" or tostring(value)) end
  if kind ~= "table" or (depth or 0) > 2 then return (tostring(value):gsub(":? ?0x.*", "")) end
  return common.fields(value, function(v) return show(v, (depth or 0) + 1) end)
end
local write = common.reporter(show, io.stdout)

-- Calls M[module][name](...) from a line of Lua, which messages name; a handler sees the stack.
local function try(module, name, ...)
  local m = M[module]
  local call = load(("local %s = ... return function(...) return %s['%s'](...) end"):format(module, module, name), "=call")(m)
  write(module .. "." .. name, show { ... }, xpcall(call, debug.traceback, ...))
end

-- What there is, and of which kind.
local modules = {}
for name in pairs(M) do modules[#modules + 1] = name end
table.sort(modules)
local functions = {}
for _, module in ipairs(modules) do
  local names = {}
  for name, value in pairs(type(M[module]) == "table" and M[module] or {}) do
    if type(value) == "function" then functions[#functions + 1] = { module, name } end
    if type(value) ~= "table" then names[#names + 1] = name .. "=" .. (type(value) == "function" and "f" or show(value)) end
  end
  table.sort(names)
  print(module, type(M[module]), table.concat(names, " "))
end
table.sort(functions, function(a, b) return a[1] .. " " .. a[2] < b[1] .. " " .. b[2] end)

-- Each with none, one and two arguments of every kind, fresh ones. What waits, names this machine or the time is called below.
local VALUES = { "nil", "true", "false", "-1", "0", "3", "1.5", "0/0", "''", "'x'", "'5'", "'127.0.0.1'", "{}", "print", "function() error('raised') end",
  "setmetatable({}, { __index = function(_, k) error('index of ' .. k) end })" }
for i, code in ipairs(VALUES) do VALUES[i] = load("return " .. code, "=value") end
local names_host = { connect = true, connect4 = true, connect6 = true, bind = true, request = true, get = true, put = true, send = true, open = true }
local later = { ["socket.__unload"] = true, ["socket.select"] = true, ["socket.sleep"] = true, ["socket.gettime"] = true, ["smtp.message"] = true,
  ["dns.gethostname"] = true }
for _, f in ipairs(functions) do
  local module, name = f[1], f[2]
  if not later[module .. "." .. name] and module ~= "dns" then
    try(module, name)
    for _, first in ipairs(VALUES) do
      if not names_host[name] or type(first()) ~= "string" then
        try(module, name, first())
        for _, second in ipairs(VALUES) do try(module, name, first(), second()) end
      end
    end
  end
end
for _, value in ipairs(VALUES) do
  local v = value()
  local waits = v == nil or v == "5" or type(v) == "number" and v ~= 0
  try("smtp", "message", type(v) ~= "table" and v)
  if not waits or v == -1 then try("socket", "sleep", v) end
  for _, list in ipairs(VALUES) do
    if not waits then try("socket", "select", nil, list(), v) end
    try("socket", "select", v, list(), 0)
  end
end
write("time", "", math.type(socket.gettime()), math.type(socket.gettime {}))

-- Names and addresses of this machine's loopback.
for _, name in ipairs { "toip", "tohostname", "getaddrinfo", "getnameinfo" } do
  try("dns", name)
  for _, host in ipairs { "127.0.0.1", "::1", "", "not a host", "256.1.1.1", "127.1", "[::1]", "*", "127.0.0.1\0x", {}, true, print, 5, 1.5 } do
    if name ~= "tohostname" or type(host) ~= "number" then try("dns", name, host) end
  end
end
for _, service in ipairs { "http", "80", 80, "", "nothing", {}, true, -1, 1e9 } do try("dns", "getnameinfo", "127.0.0.1", service) end
for _, service in ipairs { "http", "80", "nothing" } do try("dns", "getnameinfo", nil, service) end
for _, host in ipairs { "127.0.0.1", "*", "::1", "0.0.0.0", "not a host" } do
  for _, port in ipairs { "0", "x", "http no", -1, 70000, 1.5, {}, true, print } do try("socket", "bind", host, port) end
  for _, backlog in ipairs { 0, -1, 1.5, "x", "5", 1e10, {}, true } do try("socket", "bind", host, 0, backlog) end
end

-- Errors in callbacks, of every kind, through what calls them.
local function f_error() error "in f" end
local function none() return nil, "none" end
local FAULTS = { f_error, function() error({ "a table" }) end, function() error(nil) end, function() socket.try(nil, "in try", 5) end,
  function() socket.try(nil) end, function() socket.try(false, {}) end, none, function() return 1, 2, 3 end, function() return {} end,
  function() local x = nil; return x.field end, function() return string.rep() end, function() coroutine.yield("yielded") end }
local function deep(f) -- with a frame of its own, which a traceback names; few times, so that pumps end
  local calls = 0
  return function(...)
    calls = calls + 1
    if calls > 3 then error "enough" end
    local a, b, c = f(...)
    return a, b, c
  end
end
local function through(what, call)
  for i, fault in ipairs(FAULTS) do
    write(what, i, xpcall(call, debug.traceback, deep(fault)))
    write(what, i, pcall(call, deep(fault)))
    local co = coroutine.create(call)
    write(what .. " in a coroutine", i, coroutine.resume(co, deep(fault)))
    write(what .. " stack", coroutine.status(co), debug.traceback(co))
    write(what .. " resumed", coroutine.status(co), coroutine.resume(co, "again", "and again"))
    write(what .. " stack", coroutine.status(co), debug.traceback(co))
  end
end
through("protect", function(f) return socket.protect(f)(1, 2) end)
through("protect twice", function(f) return socket.protect(function() return socket.protect(f)() end)() end)
through("protect and pcall", function(f) return socket.protect(function() return pcall(f) end)() end)
through("pcall and protect", function(f) return pcall(socket.protect(f)) end)
through("xpcall in protect", function(f) return socket.protect(function() return xpcall(f, debug.traceback) end)() end)
through("newtry", function(f) return socket.protect(function() return socket.newtry(f)(nil, "tried") end)() end)
through("newtry alone", function(f) return socket.newtry(f)(nil, "tried") end)
through("choose", function(f) return socket.choose { x = f, default = f } "x" end)
through("choose without", function(f) return socket.choose { x = f } (f) end)
through("close", function(f) return socket.protect(function() local x <close> = setmetatable({}, { __close = f }) error "first" end)() end)
for _, part in ipairs { "filter", "chain of filters" } do
  through(part, function(f)
    local filter = part == "filter" and f or ltn12.filter.chain(ltn12.filter.cycle(mime.dot, 2), f)
    return ltn12.pump.all(ltn12.source.chain(ltn12.source.string "text", filter), ltn12.sink.null())
  end)
end
through("source", function(f) return ltn12.pump.all(f, (ltn12.sink.table {})) end)
through("simplified source", function(f) return ltn12.pump.all(ltn12.source.simplify(f), (ltn12.sink.table {})) end)
through("sink", function(f) return ltn12.pump.all(ltn12.source.string "x", f) end)
through("simplified sink", function(f) return ltn12.pump.all(ltn12.source.string "x", ltn12.sink.simplify(f)) end)
through("chained sink", function(f) return ltn12.pump.all(ltn12.source.string "x", ltn12.sink.chain(f, ltn12.sink.null())) end)
through("select", function(f) return socket.select({ { getfd = f } }, nil, 0) end)
through("select and dirty", function(f) return socket.select({ { getfd = function() return 0 end, dirty = f } }, nil, 0) end)
through("index of select", function(f) return socket.select(setmetatable({}, { __index = f }), nil, 0) end)
through("http create", function(f) return M.http.request { url = "http://127.0.0.1/", create = f } end)
through("tp create", function(f) return M.tp.connect("127.0.0.1", 1, 1, f) end)
through("smtp create", function(f) return M.smtp.send { from = "a", rcpt = "b", source = f, create = f, server = "127.0.0.1", port = 1 } end)
through("ftp create", function(f) return M.ftp.get { host = "127.0.0.1", path = "x", sink = f, create = f } end)
through("message", function(f) return ltn12.pump.all(M.smtp.message { headers = {}, body = f }, (ltn12.sink.table {})) end)
