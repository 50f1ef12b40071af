-- http, ftp, smtp, url, mime and ltn12 of LuaSocket against a server in another process; all that comes back is printed.
local ours, socket = pcall(require, "gilua.socket")
if not ours then socket = require "socket" end
local http, ftp, smtp, url = require "socket.http", require "socket.ftp", require "socket.smtp", require "socket.url"
local mime, ltn12, headers = require "mime", require "ltn12", require "socket.headers"

os.execute "mkfifo hold"
local server = io.popen "exec lua5.4 server.lua <hold"
local hold = io.open("hold", "w") -- the server ends when this is closed
local ports = {}
for p in server:read("l"):gmatch "%d+" do ports[#ports + 1] = p end
local HTTP, FTP, SMTP = "http://127.0.0.1:" .. ports[1], "ftp://127.0.0.1:" .. ports[2], ports[3]

local function show(value, depth)
  if type(value) == "string" then
    if #value > 200 and not value:find "traceback" then return "string of " .. #value end
    return (string.format("%q", value):gsub("\\\n", "\\n"):gsub("%f[%d]%d%d%d%d%d%f[%D]", "PORT"):gsub("gilua%.(socket)", "%1"))
  end
  if math.type(value) then return math.type(value) .. ":" .. value end
  if type(value) ~= "table" or (depth or 0) > 2 then return (tostring(value):gsub(":? ?0x.*", "")) end
  local parts = {}
  for k, v in pairs(value) do parts[#parts + 1] = show(k, 3) .. "=" .. show(v, (depth or 0) + 1) end
  table.sort(parts)
  return "{" .. table.concat(parts, " ") .. "}"
end
local function report(what, f, ...)
  local parts = table.pack(pcall(f, ...))
  for i = 1, parts.n do parts[i] = show(parts[i]) end
  print(what, parts.n, table.concat(parts, ", ", 1, parts.n))
end

for _, path in ipairs { "/", "/long", "/empty", "/echo", "/headers", "/moved", "/circle", "/chunks", "/closes", "/short", "/nothing", "/broken",
  "/folded", "/none" } do
  report("get " .. path, http.request, HTTP .. path)
end
report("post", http.request, HTTP .. "/echo", "what=is&sent=here")
for _, request in ipairs { { method = "HEAD", path = "/long" }, { method = "PUT", path = "/echo", body = "put this" },
  { method = "DELETE", path = "/echo" }, { path = "/moved", redirect = false }, { path = "/headers", headers = { ["X-Own"] = "mine" } },
  { path = "/headers", user = "me", password = "secret" }, { path = "/chunks", step = true }, { path = "/circle", maxredirects = 2 } } do
  local got = {}
  request.sink = ltn12.sink.table(got)
  request.url = HTTP .. request.path
  if request.body then
    request.source = ltn12.source.string(request.body)
    request.headers = { ["content-length"] = #request.body }
  end
  report("request " .. (request.method or "") .. request.path, http.request, request)
  print(show(table.concat(got)))
end

-- Sinks, sources and steps that fail, raise or yield in the midst of a transfer, in a coroutine and outside: what is left of the stack.
local faults = { function() error "raised" end, function() error { "a table" } end, function() return nil, "refused" end, function() return nil end,
  function() socket.try(nil, "tried") end, function() return ("x").y.z end, function() return coroutine.yield "yielded" end }
for i, fault in ipairs(faults) do
  local function f() -- a frame of its own, which a traceback would name
    local a, b = fault()
    return a, b
  end
  local function fail(what, ...)
    report("fault " .. i .. what, ...)
    collectgarbage() -- closes the connection that an error left, and the server serves the next
  end
  local function source() -- a source must end
    local last
    return function()
      last = not last
      return last and f() or nil
    end
  end
  for name, path in ("sink/long sink/chunks sink/closes sink/short step/long step/chunks source/echo"):gmatch "(%w+)(%S+)" do
    local function call() return http.request { url = HTTP .. path, method = name == "source" and "PUT" or nil, [name] = name == "source" and source() or f } end
    fail(name .. path, xpcall, call, debug.traceback)
    fail(name .. path, coroutine.resume, coroutine.create(call))
  end
  for _, command in ipairs { "get", "put" } do
    local function call() return ftp[command] { host = "127.0.0.1", port = ports[2], path = "x", sink = f, source = source() } end
    fail(command, xpcall, call, debug.traceback)
  end
  local function send() return smtp.send { from = "<a@b>", rcpt = "<c@d>", source = source(), server = "127.0.0.1", port = SMTP } end
  fail("mail", xpcall, send, debug.traceback)
end
report("refused", http.request, "http://127.0.0.1:3/")
report("no host", http.request, "http:///x")
report("a scheme", http.request, "nothing://127.0.0.1/")
report("not a url", http.request, {})
report("nil", http.request, nil)

report("ftp get", ftp.get, FTP .. "/folder/name;type=i")
report("ftp put", ftp.put, FTP .. "/stored", "what is put")
report("ftp get", ftp.get, FTP .. "/stored")
report("ftp none", ftp.get, FTP .. "/none")
report("ftp no folder", ftp.get, FTP .. "/none/name")
report("ftp not in", ftp.get, (FTP:gsub("//", "//nobody:x@")) .. "/name")
report("ftp list", ftp.get, { host = "127.0.0.1", port = ports[2], command = "LIST", argument = "x", sink = ltn12.sink.null() })
report("ftp nothing", ftp.get, {})
report("ftp refused", ftp.get, "ftp://127.0.0.1:3/x")

local function mail(fields)
  fields.server, fields.port = "127.0.0.1", SMTP
  fields.source = smtp.message(fields.message)
  return smtp.send(fields)
end
report("mail", mail, { from = "<a@b>", rcpt = "<c@d>", message = { headers = { subject = "one" }, body = "a line\n.with a dot\nlast" } })
report("mail to many", mail, { from = "<a@b>", rcpt = { "<c@d>", "<e@f>" }, message = { headers = {}, body = "" } })
report("mail to nobody", mail, { from = "<a@b>", rcpt = "<nobody@d>", message = { body = "x" } })
report("mail of parts", mail, { from = "<a@b>", rcpt = "<c@d>", message = { headers = { ["content-type"] = "multipart/mixed; boundary=xx" },
  body = { { body = "one" }, { headers = { ["content-transfer-encoding"] = "base64" }, body = ltn12.source.chain(ltn12.source.string "two",
    ltn12.filter.chain(mime.encode "base64", mime.wrap())) } } } })
report("mail without", smtp.send, {})

for _, text in ipairs { "http://user:pw@host:80/a/b;c?d=e#f", "/only/path", "", "mailto:x@y", "//host", "http://[::1]:8080/", "a b%20c?&=" } do
  report("parse", url.parse, text)
  report("path", url.parse_path, text)
  report("absolute", url.absolute, "http://base/x/y?z", text)
  report("escape", url.escape, text)
  report("unescape", url.unescape, text)
  report("build", function() return url.build(url.parse(text)) end)
end
for _, name in ipairs { "base64", "quoted-printable", "nothing" } do
  for _, text in ipairs { "", "x", "some = words\r\nand \200\1 bytes  \n", ("long "):rep(60) } do
    report("encode " .. name, function() return (ltn12.pump.all(ltn12.source.string(text), (ltn12.sink.null()))), mime.encode(name)(text) end)
    local out = {}
    report("through " .. name, function()
      return ltn12.pump.all(ltn12.source.chain(ltn12.source.string(text), mime.encode(name)),
        ltn12.sink.chain(ltn12.filter.chain(mime.wrap(name == "base64" and "base64" or "quoted-printable"), mime.decode(name)), ltn12.sink.table(out)))
    end)
    print(show(table.concat(out)))
  end
end
report("headers", function() return headers.canonic["content-type"], headers.canonic.date end)
hold:close()
print(server:close())
