-- LuaSec over the sockets: wrapped ends that shake hands, talk and close, with good and bad certificates, parameters and patterns.
-- lua5.4 and gilua must print the same. The other end is a lua5.4 of its own.
local found, ssl = pcall(require, "ssl")
if not found then return print "no LuaSec" end
local ours, socket = pcall(require, "gilua.socket")
if not ours then socket = require "socket" end
local common = require "common"
local function show(value) return type(value) == "string" and common.quote(value) or (tostring(value):gsub(":? 0x.*", "")) end
local write = common.reporter(show, io.stdout)
local function report(what, ...) write("", what, ...) end

local made = os.execute("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout key.pem -out cert.pem -days 36500 " ..
  "-subj /CN=localhost -addext subjectAltName=DNS:localhost 2>/dev/null")
if not made then return print "no openssl" end

local server = io.popen("exec lua5.4 tls_server.lua", "r")
local port = tonumber(server:read "l")
local PARAMETERS = { mode = "client", protocol = "any", verify = "none", options = "all" }
local function with(changes)
  local t = {}
  for k, v in pairs(PARAMETERS) do t[k] = v end
  for k, v in pairs(changes) do t[k] = v end
  return t
end
local function connection(parameters)
  local c = assert(socket.connect("127.0.0.1", port))
  c:settimeout(20)
  local s, why = ssl.wrap(c, parameters)
  report("wrap", s ~= nil, why)
  if not s then c:close() return end
  s:settimeout(20)
  report("handshake", s:dohandshake())
  return s
end
local function bad(why) return tostring(why):match "certificate verify failed" or why end

for _, words in ipairs { "echo", "lines", "long", "slow", "close" } do
  local s = connection(PARAMETERS)
  report("send " .. words, s:send(words .. "\n"))
  for _, pattern in ipairs { "*l", 4, "*l", "*a", "*a" } do
    local data, why, part = s:receive(pattern)
    report("receive " .. pattern, data and #data > 100 and #data or data, why, part and #part > 100 and #part or part)
  end
  report("send behind", s:send "more")
  report("close", s:close())
  report("closed", pcall(s.receive, s))
end
local s = connection(PARAMETERS)
s:settimeout(0.05)
report("late", s:receive "*l")
s:settimeout(0)
report("at once", s:receive(5, "prefix"))
s:settimeout(20)
s:send "slow\n"
report("then", s:receive(4, "pre"))
for _, call in ipairs { function() return s:receive "x" end, function() return s:receive {} end, function() return s:send {} end,
  function() return s:settimeout "x" end, function() return s:nothing() end, function() return s:dohandshake() end,
  function() return s:getpeercertificate():subject()[1].value end, function() return (s:info "protocol") end, function() return s:want() end,
  function() return #socket.select({ s }, { s }, 0) end, function() return s:dirty() end } do
  report("call", pcall(call))
end
s:close()
for _, changes in ipairs { { verify = "peer" }, { verify = "peer", cafile = "cert.pem" }, { cafile = "none.pem" }, { protocol = "x" }, { mode = "x" },
  { key = "none.pem" }, { protocol = "tlsv1_2" }, { ciphers = "x" }, { options = "x" } } do
  local parameters = with(changes)
  local c = assert(socket.connect("127.0.0.1", port))
  local fine, o, why = pcall(ssl.wrap, c, parameters)
  report("wrap " .. common.fields(changes, show), fine, o, why)
  if fine and o then
    o:settimeout(20)
    local done, reason = o:dohandshake()
    report("handshake", done, bad(reason))
    o:close()
  else c:close() end
end
report("not wrapped", pcall(ssl.wrap, 5, PARAMETERS))
report("no parameters", pcall(ssl.wrap, (socket.tcp()), nil))
local https = require "ssl.https"
report("https", https.request("https://127.0.0.1:" .. port .. "/"))
report("https", https.request { url = "https://127.0.0.1:" .. port .. "/", verify = "peer", protocol = "any" } == nil)
report("https refused", https.request "https://127.0.0.1:3/")
local last = connection(PARAMETERS)
last:send "end\n"
last:close()
print(server:close())
