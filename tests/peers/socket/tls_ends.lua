-- LuaSec amid what other ends do: renegotiation and new keys, ends of one direction only, handshakes that stop, which way a call
-- wants, certificates that are of nobody or over. lua5.4 and gilua must print the same.
local found, ssl = pcall(require, "ssl")
if not found then return print "no LuaSec" end
local ours, socket = pcall(require, "gilua.socket")
if not ours then socket = require "socket" end
local common = require "common"
local function show(value) return type(value) == "string" and common.quote(value) or (tostring(value):gsub(":? 0x.*", "")) end
local write = common.reporter(show, io.stdout)
local function report(what, ...) write("", what, ...) end

local NEW = "openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes "
local made = os.execute("{ " .. NEW .. "-x509 -keyout key.pem -out cert.pem -days 36500 -subj /CN=localhost -addext subjectAltName=DNS:localhost" ..
  " && " .. NEW .. "-x509 -keyout other_key.pem -out other.pem -days 36500 -subj /CN=other.example" ..
  " && " .. NEW .. [[-keyout old_key.pem -out old.csr -subj /CN=localhost && touch index.txt && echo 01 >serial && printf '%s\n' \
  '[ca]' 'default_ca=a' '[a]' 'database=index.txt' 'serial=serial' 'new_certs_dir=.' 'default_md=sha256' 'policy=p' '[p]' \
  'commonName=supplied' >ca.cnf && openssl ca -batch -config ca.cnf -selfsign -keyfile old_key.pem -in old.csr -out old.pem -notext \
  -startdate 20200101000000Z -enddate 20200102000000Z; } 2>/dev/null]])
if not made then return print "no openssl" end

local function client_of(changes)
  local p = { mode = "client", protocol = "any", verify = "none", options = "all" }
  for k, v in pairs(changes or {}) do p[k] = v end
  return p
end
local function server_of(changes)
  local p = { mode = "server", protocol = "any", key = "key.pem", certificate = "cert.pem", options = "all" }
  for k, v in pairs(changes or {}) do p[k] = v end
  return p
end
local listener = assert(socket.bind("127.0.0.1", 0))
local _, port = listener:getsockname()
local function sockets()
  local a = assert(socket.connect("127.0.0.1", port))
  local b = assert(listener:accept())
  a:settimeout(20)
  b:settimeout(20)
  return a, b
end

-- Calls each of the functions until it says neither that it wants to read nor to write; their results.
local function by_turns(...)
  local calls, results, left = { ... }, {}, select("#", ...)
  for _ = 1, 100000 do
    for i, call in ipairs(calls) do
      if not results[i] then
        local answer = table.pack(call())
        if answer[2] ~= "wantread" and answer[2] ~= "wantwrite" and answer[2] ~= "timeout" then
          results[i] = answer
          left = left - 1
        end
      end
    end
    if left == 0 then return table.unpack(results) end
  end
  error "no end"
end
local function pair(client, server)
  local a, b = sockets()
  a, b = assert(ssl.wrap(a, client_of(client))), assert(ssl.wrap(b, server_of(server)))
  a:settimeout(0)
  b:settimeout(0)
  local mine, theirs = by_turns(function() return a:dohandshake() end, function() return b:dohandshake() end)
  a:settimeout(20)
  b:settimeout(20)
  return a, b, mine, theirs
end

-- What openssl's server has written by then: once it has that text so often.
local function written(file, text, times)
  for _ = 1, 2000 do
    local f = io.open(file)
    local all, at, n = f and f:read "a" or "", 1, 0
    if f then f:close() end
    while n < times do
      local _, last = all:find(text, at)
      if not last then break end
      n, at = n + 1, last + 1
    end
    if n == times then return all end
    socket.sleep(0.01)
  end
  error("openssl does not write " .. text)
end

-- It is told by letters to renegotiate (r; R: and to ask for a certificate), to change its keys (k; K: and ours).
local function s_server(flag, out)
  local p = io.popen(("exec timeout 60 stdbuf -o0 openssl s_server -accept 127.0.0.1:0 -naccept 1 -%s -key key.pem -cert cert.pem >%s 2>&1"):format(flag, out), "w")
  return p, tonumber(written(out, "ACCEPT [^\n]-:%d+\n", 1):match "ACCEPT [^\n]-:(%d+)\n")
end
for _, case in ipairs { { "tls1_2", "r" }, { "tls1_2", "R" }, { "tls1_3", "k" }, { "tls1_3", "K" } } do
  local out = "s_server." .. case[2]
  local p, at = s_server(case[1], out)
  local function tell(text)
    p:write(text, "\n")
    p:flush()
  end
  local c = assert(socket.connect("127.0.0.1", at))
  c:settimeout(20)
  c = assert(ssl.wrap(c, client_of()))
  c:settimeout(20)
  report("handshake", c:dohandshake())
  report("protocol", (c:info "protocol"))
  for round = 1, 3 do
    report("send", c:send("to you " .. round .. "\n"))
    tell("before " .. round)
    report("receive", c:receive())
    tell(case[2])
    written(out, "SSL_do_handshake %-> 1", round) -- else it takes both for one
    tell("behind " .. round)
    report("receive", c:receive())
    report("receive, late", pcall(function()
      c:settimeout(0.01)
      return c:receive(3)
    end))
    c:settimeout(20)
  end
  report("send", c:send "last words\n")
  tell "before the end"
  report("receive", c:receive())
  written(out, "last words", 1)
  tell "Q"
  report("receive", c:receive "*a")
  c:close()
  p:close()
  report("done " .. case[2], select(2, written(out, "to you 3", 1):gsub("SSL_do_handshake %-> 1", "")))
end

-- Much to send, and a reader that comes later: which way the call wants.
for _, protocol in ipairs { "tlsv1_2", "tlsv1_3" } do
  local a, b, mine, theirs = pair { protocol = protocol }
  report("handshakes " .. protocol, mine[1], mine[2], theirs[1], theirs[2])
  local data = ("0123456789abcdef"):rep(1 << 19)
  a:settimeout(0)
  b:settimeout(0)
  report("nothing to read", a:receive(1))
  local at, why, sent = a:send(data)
  report("no room", at, why, sent > 0 and sent < #data)
  report("wants", a:want())
  local got, from, back = {}, sent + 1, 0
  local function send()
    local done, reason, last = a:send(data, from)
    from = (done or last) + 1
    return done, reason
  end
  local function receive()
    local all, reason, part = b:receive(#data - back)
    got[#got + 1] = all or part
    back = back + #(all or part)
    return all, reason
  end
  local one, other = by_turns(send, receive)
  report("sent", one[1], other[2], table.concat(got) == data)
  a:close()
  b:settimeout(20)
  report("closed", b:receive "*a")
  b:close()
end

-- One direction ends, without TLS being told; the other one goes on.
for _, way in ipairs { "send", "receive" } do
  local a, b = pair()
  local system, other = sockets()
  local own = system:getfd()
  system:setfd(b:getfd())
  if way == "send" then b:send "last words" end
  report("shutdown", system:shutdown(way))
  system:setfd(own)
  if way == "receive" then report("send", a:send "still there\n")
  else
    report("words", a:receive(10))
    report("behind", a:receive "*l")
  end
  report("close", a:close(), b:close())
  system:close()
  other:close()
end
do
  local a, b = pair()
  a:send "part"
  a:close()
  report("rest", b:receive "*l")
  report("closed", b:receive "*a")
  report("closed", b:receive(0))
  b:close()
end

-- A handshake of which the other end stops: at once, amid its first flight, and then goes away or on.
for _, how in ipairs { "says nothing", "stops amid it", "goes amid it", "talks nonsense amid it", "goes on" } do
  local a, c = sockets()
  local relay, d = sockets()
  a, d = assert(ssl.wrap(a, client_of { protocol = "tlsv1_2" })), assert(ssl.wrap(d, server_of { protocol = "tlsv1_2" }))
  a:settimeout(0)
  d:settimeout(0)
  c:settimeout(0.2)
  relay:settimeout(0.2)
  report(how, a:dohandshake())
  local _, _, hello = c:receive(1 << 16)
  relay:send(hello)
  report("the server", d:dohandshake())
  local _, _, flight = relay:receive(1 << 16)
  local half = flight:sub(1, #flight // 2)
  if how ~= "says nothing" then c:send(half) end
  a:settimeout(0.2)
  report("half", a:dohandshake())
  if how == "goes amid it" then c:close() end
  if how == "talks nonsense amid it" then c:send(("nonsense"):rep(2000)) end
  if how == "goes on" then
    c:send(flight:sub(#half + 1))
    report("whole", a:dohandshake())
    _, _, hello = c:receive(1 << 16)
    relay:send(hello)
    d:settimeout(5)
    report("the server", d:dohandshake())
    _, _, flight = relay:receive(1 << 16)
    c:send(flight)
  end
  report("then", a:dohandshake())
  report("receive", a:receive "*l")
  for _, s in ipairs { a, c, relay, d } do s:close() end
end

-- Certificates: of nobody known, over, of another host, and a good one; what is found is told without ending the handshake, too.
for _, case in ipairs {
  { { cafile = "cert.pem" } },
  { { cafile = "other.pem" } },
  { {} },
  { { cafile = "old.pem" }, { key = "old_key.pem", certificate = "old.pem" } },
  { { cafile = "other.pem" }, { key = "other_key.pem", certificate = "other.pem" } },
} do
  for _, extra in ipairs { false, "lsec_continue" } do
    case[1].verify, case[1].verifyext = "peer", extra or nil
    local a, b, mine = pair(case[1], case[2])
    report("certificate", mine[1], mine[2])
    report("verification", a:getpeerverification())
    local errors = select(2, a:getpeerverification())
    for depth, list in ipairs(type(errors) == "table" and errors or {}) do report("at " .. depth, table.concat(list, "; ")) end
    local certificate = a:getpeercertificate()
    if certificate and mine[1] then
      report("subject", certificate:subject()[1].value, certificate:validat(os.time()))
      local names = certificate:extensions()["2.5.29.17"]
      report("name", names and names.dNSName and names.dNSName[1])
    end
    a:close()
    b:close()
  end
end
