-- LuaSec over gilua.socket: waits and work without the lock, what ends them, and what is refused. Certificates are made here.
local t = require "testing"
local threading = require "gilua.threading"
local gilua = require "gilua"
t.find_system_modules()
t.needs "socket"
local socket = require "gilua.socket"
local found, ssl = pcall(require, "ssl")
if not found or not os.execute "openssl version >/dev/null 2>&1" then
  print "1..0 # SKIP there is no LuaSec, or no openssl"
  os.exit(true)
end

local dir = os.tmpname()
os.remove(dir)
assert(os.execute("mkdir " .. dir))
local function shell(commands)
  local p = io.popen(("cd %s && { %s; } 2>&1"):format(dir, commands))
  local text = p:read "a"
  assert(p:close(), text)
end
local NEW = "openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes "
shell(NEW .. "-x509 -keyout key.pem -out cert.pem -days 3650 -subj /CN=localhost -addext subjectAltName=DNS:localhost")
shell(NEW .. "-x509 -keyout other_key.pem -out other.pem -days 3650 -subj /CN=other.example")
shell(NEW .. [[-keyout old_key.pem -out old.csr -subj /CN=localhost && touch index.txt && echo 01 >serial && printf '%s\n' \
  '[ca]' 'default_ca=a' '[a]' 'database=index.txt' 'serial=serial' 'new_certs_dir=.' 'default_md=sha256' 'policy=p' '[p]' \
  'commonName=supplied' >ca.cnf && openssl ca -batch -config ca.cnf -selfsign -keyfile old_key.pem -in old.csr -out old.pem -notext \
  -startdate 20200101000000Z -enddate 20200102000000Z]])

local function path(name) return dir .. "/" .. name end
local function with(fields, more)
  for k, v in pairs(more or {}) do fields[k] = v end
  return fields
end
local function server_of(more)
  return with({ mode = "server", protocol = "any", key = path "key.pem", certificate = path "cert.pem" }, more)
end
local function client_of(more) return with({ mode = "client", protocol = "any", verify = "none" }, more) end

local listener = assert(socket.bind("127.0.0.1", 0))
local _, port = listener:getsockname()
local function sockets()
  local a = assert(socket.connect("127.0.0.1", port))
  return a, assert(listener:accept())
end
local function wrapped(more_client, more_server)
  local a, b = sockets()
  return assert(ssl.wrap(a, client_of(more_client))), assert(ssl.wrap(b, server_of(more_server)))
end
local function handshake(a, b)
  local other = threading.start(function() return { b:dohandshake() } end)
  local mine = { a:dohandshake() }
  return mine, other:result()
end
local function pair(more_client, more_server)
  local a, b = wrapped(more_client, more_server)
  local mine, theirs = handshake(a, b)
  t.equal(mine[1], true, mine[2])
  t.equal(theirs[1], true, theirs[2])
  return a, b
end

t.test("two ends shake hands and talk, line by line and in blocks, each with a thread", function()
  local a, b = pair()
  local echo = threading.start(function()
    for line in function() return (b:receive()) end do assert(b:send(line .. "\n")) end
    b:close()
  end)
  for i = 1, 200 do
    a:send("line " .. i .. "\r\n")
    t.equal(a:receive(), "line " .. i)
  end
  a:send "one\ntwo\nthree\n"
  t.equal(a:receive(5), "one\nt")
  t.equal(a:receive(2, "pre"), "pre") -- has it already
  t.equal(a:receive(), "wo")
  t.equal(a:receive(), "three")
  t.equal(a:getstats() > 0, true)
  a:close()
  t.join { echo }
  t.equal(select(2, a:receive()), "closed")
end)

t.test("much goes both ways at once", function()
  local a, b = pair()
  local data = ("0123456789abcdef"):rep(1 << 16)
  local function talk(s)
    local reader = threading.start(function() return s:receive(#data) end)
    t.equal(s:send(data), #data + 0.0)
    return reader:result() == data
  end
  local other = threading.start(talk, b)
  t.equal(talk(a), true)
  t.equal(other:result(), true)
  a:close()
  b:close()
end)

t.test("a handshake, a receive and a send wait without the lock, are late, and are cancelled", function()
  local a, raw = sockets() -- the other end says nothing
  a = ssl.wrap(a, client_of())
  a:settimeout(0.02)
  local done, why = a:dohandshake()
  t.equal(done, false)
  t.equal(why, "wantread")
  a:settimeout(nil)
  local thread = threading.Thread { target = function() return pcall(a.dohandshake, a) end }
  thread:start()
  t.parked(thread, "fd")
  thread:cancel()
  thread:join()
  a:close()
  raw:close()
  local b
  a, b = pair()
  a:settimeout(0.02)
  local data, reason, part = a:receive(3)
  t.equal(data, nil)
  t.equal(reason, "wantread")
  t.equal(part, "")
  a:settimeout(nil)
  for _, call in ipairs { function() a:receive() end, function() a:send(("x"):rep(1 << 25)) end } do
    thread = threading.Thread { target = function() return select(2, pcall(call)) end }
    thread:start()
    t.parked(thread, "fd")
    thread:cancel()
    thread:join()
    t.equal(gilua.is_error(thread:result(), "cancelled"), true)
  end
  b:close()
  a:close()
end)

t.test("what was read ahead makes a connection dirty, and select does not wait for it", function()
  local a, b = pair()
  a:send "first\n"
  a:send "second\n"
  t.equal(b:receive(), "first")
  t.eventually(function()
    b:settimeout(0)
    local line = b:receive(1)
    return line == "s"
  end, "the second record")
  b:settimeout(nil)
  t.equal(b:dirty(), true)
  t.equal((socket.select({ b }))[b], 1)
  t.equal(b:receive(), "econd")
  a:close()
  b:close()
end)

t.test("certificates: of nobody known, expired, and a good one", function()
  for _, case in ipairs {
    { { cafile = path "cert.pem" } },
    { { cafile = path "other.pem" }, nil, "certificate verify failed" },
    { {}, nil, "certificate verify failed" },
    { { cafile = path "old.pem" }, { key = path "old_key.pem", certificate = path "old.pem" }, "certificate verify failed" },
  } do
    local a, b = wrapped(with({ verify = "peer" }, case[1]), case[2])
    local mine, theirs = handshake(a, b)
    t.equal(mine[1], case[3] == nil)
    t.equal(mine[2], case[3])
    if not case[3] then t.equal(a:getpeercertificate():subject()[1].value, "localhost") end
    if case[3] and theirs[1] then t.equal(select(2, b:receive()) ~= nil, true) end -- TLS 1.3 tells it later
    a:close()
    b:close()
  end
end)

t.test("what the other end does amid it: closes, stops sending, is no TLS", function()
  local a, b = pair()
  b:close()
  local _, why = a:receive()
  t.equal(why, "closed")
  a:close()
  a, b = sockets()
  a = ssl.wrap(a, client_of())
  b:send "HTTP/1.1 400 what\r\n\r\n"
  local done, reason = a:dohandshake()
  t.equal(done, false)
  t.equal(reason, "wrong version number")
  a:close()
  b:close()
  a, b = sockets()
  a = ssl.wrap(a, client_of())
  b:close()
  done, reason = a:dohandshake()
  t.equal(done, false)
  t.equal(type(reason), "string")
  t.equal(select(2, a:receive()), "closed")
  t.equal(select(2, a:send "x"), "closed")
  a:close()
end)

t.test("close, and the end of a <close> variable, bring out who waits", function()
  for _, finish in ipairs { function(s) s:close() end, function(s) local _ <close> = s end } do
    local a, b = pair()
    local reader = threading.start(function() return { a:receive() } end)
    t.parked(reader, "fd")
    finish(a)
    t.equal(reader:result()[2], "closed")
    b:close()
  end
end)

t.test("contexts that call Lua amid a handshake keep the lock, and work", function()
  local asked
  local context = assert(ssl.newcontext(server_of { alpn = function(protocols)
    asked = table.concat(protocols, " ")
    return protocols[2]
  end }))
  for _ = 1, 2 do
    local a, b = sockets()
    a, b = assert(ssl.wrap(a, client_of { alpn = { "one", "two" } })), assert(ssl.wrap(b, context))
    local mine = handshake(a, b)
    t.equal(mine[1], true)
    t.equal(asked, "one two")
    t.equal(a:getalpn(), "two")
    a:close()
    b:close()
  end
  local named = assert(ssl.newcontext(server_of { key = path "other_key.pem", certificate = path "other.pem" }))
  for _ = 1, 2 do
    local a, b = wrapped()
    a:sni "other.example"
    b:sni { ["other.example"] = named }
    local mine = handshake(a, b)
    t.equal(mine[1], true)
    t.equal(a:getpeercertificate():subject()[1].value, "other.example")
    t.equal(b:getsniname(), "other.example")
    a:close()
    b:close()
  end
end)

t.test("threads that use one connection in every way get what is its", function()
  local a, b = pair()
  local n = t.hostile and 20 or 200
  local threads = t.start(4, function(i)
    for k = 1, n do
      if i % 2 == 0 then a:send(("%d-%d\n"):format(i, k))
      else
        a:info "protocol"
        a:getpeercertificate():subject()
        a:dirty()
        a:want()
      end
    end
  end)
  local lines = 0
  for _ = 1, 2 * n do
    if b:receive():match "^[24]%-%d+$" then lines = lines + 1 end
  end
  t.join(threads)
  t.equal(lines, 2 * n)
  a:close()
  b:close()
end)

t.test("four requests of https are answered only when all four have come: by ssl.https, by socket.http", function()
  local https, http = require "ssl.https", socket.http
  local context = assert(ssl.newcontext(server_of()))
  for _, request in ipairs { https.request, http.request } do
    local gate = threading.Barrier(4)
    local serving = threading.start(function()
      for _ = 1, 4 do
        local c = assert(listener:accept())
        threading.start(function()
          local s = assert(ssl.wrap(c, context))
          assert(s:dohandshake())
          local name = s:receive():match "^GET /(%S*)"
          repeat until assert(s:receive()) == ""
          gate:wait()
          s:send(("HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s"):format(#name, name))
          s:close()
        end)
      end
    end)
    local fetchers = t.start(4, function(i)
      local body, status = request(("https://127.0.0.1:%d/%d"):format(port, i))
      t.equal(status, 200, body)
      t.equal(body, tostring(i))
    end)
    t.join(fetchers)
    t.join { serving }
  end
end)

if not os.getenv "TSAN_OPTIONS" then -- which holds signals back
  for what, call in pairs { handshake = "s:dohandshake()", receive = "s:receive()", send = "s:send(('x'):rep(1 << 25))" } do
    t.test("Ctrl-C ends " .. what, function()
      local text = t.run { "-e", "package.path, package.cpath = [[" .. package.path .. "]], [[" .. package.cpath .. "]]",
        "-e", ("dir, what = '%s', '%s'"):format(dir, what), "-e", [[
          local t, threading, gilua = require "testing", require "gilua.threading", require "gilua"
          local socket, ssl = require "gilua.socket", require "ssl"
          local l = socket.bind("127.0.0.1", 0)
          local s = socket.connect("127.0.0.1", ({ l:getsockname() })[2])
          local peer = l:accept()
          s = ssl.wrap(s, { mode = "client", protocol = "any" })
          if what ~= "handshake" then
            peer = ssl.wrap(peer, { mode = "server", protocol = "any", key = dir .. "/key.pem", certificate = dir .. "/cert.pem" })
            local other = threading.start(function() peer:dohandshake() end)
            s:dohandshake()
            other:join()
          end
          local main = threading.main_thread()
          threading.Thread { daemon = true, target = function()
            t.parked(main, "fd")
            os.execute("kill -INT " .. main.native_id)
          end }:start()
          local ok, err = pcall(function() ]] .. call .. [[ end)
          print(ok, gilua.is_error(err, "interrupted"))
          os.exit(true)]] }
      t.equal(text, "false\ttrue\n")
    end)
  end
end

os.execute("rm -r " .. dir)
t.finish()
