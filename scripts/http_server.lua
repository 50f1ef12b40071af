-- A server of http, or https, with a thread for each connection: it keeps connections, refuses those beyond a limit, gives up clients
-- that are slow, and on SIGTERM or Ctrl-C answers what was asked by then and ends.
-- usage: http_server.lua [-p PORT = 8080] [-a ADDRESS = 127.0.0.1] [-n CONNECTIONS = 1000] [-t SECONDS = 10] [-c CERTIFICATE -k KEY]
local signal = require "gilua.signal"
local socket = require "gilua.socket"
local threading = require "gilua.threading"

local options, names = { p = "8080", a = "127.0.0.1", n = "1000", t = "10" }, "panctk"
for i = 1, #arg, 2 do
  local name = arg[i]:match "^%-(%a)$"
  if not name or not names:find(name, 1, true) or not arg[i + 1] then
    io.stderr:write "usage: http_server.lua [-p PORT] [-a ADDRESS] [-n CONNECTIONS] [-t SECONDS] [-c CERTIFICATE -k KEY]\n"
    os.exit(2)
  end
  options[name] = arg[i + 1]
end
local limit, timeout = tonumber(options.n), tonumber(options.t)
local MOST_HEADERS, MOST_BYTES = 64, 1 << 20

local ssl, context
if options.c then
  ssl = require "ssl"
  context = assert(ssl.newcontext { mode = "server", protocol = "any", certificate = options.c, key = options.k })
end

local listener = assert(socket.bind(options.a, options.p, 1024))
local open, places, stopping = {}, threading.Semaphore(limit), false -- open: connection -> "idle" or "busy"
local served, served_lock = { requests = 0, refused = 0, slow = 0 }, threading.Lock()

local function count(what)
  local _ <close> = served_lock:hold()
  served[what] = served[what] + 1
end

-- What is asked for: method, path, whether the connection stays, body; or nil and a status for what cannot be answered.
local function request(c)
  local line, why = c:receive()
  if not line then return nil, why end
  open[c] = "busy"
  local method, path, minor = line:match "^(%u+) (%S+) HTTP/1%.([01])$"
  if not method then return nil, "400 Bad Request" end
  local headers, n = {}, 0
  while true do
    line, why = c:receive()
    if not line then return nil, why end
    if line == "" then break end
    local name, value = line:match "^([^:%s]+):%s*(.-)%s*$"
    n = n + 1
    if not name or n > MOST_HEADERS then return nil, "400 Bad Request" end
    name = name:lower()
    if headers[name] and name == "content-length" then return nil, "400 Bad Request" end
    headers[name] = value
  end
  if headers["transfer-encoding"] then return nil, "501 Not Implemented" end -- what follows is not known to be a request
  local digits, body = (headers["content-length"] or "0"):match "^%d+$", ""
  if not digits then return nil, "400 Bad Request" end
  local length = #digits <= 15 and math.tointeger(tonumber(digits)) or math.huge
  if length > MOST_BYTES then return nil, "413 Content Too Large" end
  if length > 0 then
    body, why = c:receive(length)
    if not body then return nil, why end
  end
  local stays = (headers.connection or (minor == "1" and "keep-alive" or "close")):lower() ~= "close"
  return { method = method, path = path, stays = stays, body = body }
end

local function answer(c, status, body, stays)
  return c:send(("HTTP/1.1 %s\r\nContent-Type: text/plain\r\nContent-Length: %d\r\nConnection: %s\r\n\r\n%s"):format(
    status, #body, stays and "keep-alive" or "close", body))
end

local function respond(c, asked)
  local stays = asked.stays and not stopping
  count "requests"
  if asked.method == "POST" then return answer(c, "200 OK", asked.body, stays) and stays end
  if asked.path == "/" then return answer(c, "200 OK", "hello, world\n", stays) and stays end
  return answer(c, "404 Not Found", "there is no " .. asked.path .. "\n", stays) and stays
end

local function serve(c)
  c:setoption("tcp-nodelay", true)
  if context then
    open[c] = nil
    local plain = c
    c = assert(ssl.wrap(plain, context))
    open[c] = "busy"
    c:settimeout(timeout)
    if not c:dohandshake() then return c end
  end
  c:settimeout(timeout)
  c:settimeout(timeout, "t") -- of a whole line, however slowly it comes
  repeat
    if stopping then break end
    open[c] = "idle"
    local asked, why = request(c)
    if not asked then
      if why == "timeout" or why == "wantread" then count "slow" end
      if why:find "^%d" then answer(c, why, "", false) end
      break
    end
  until not respond(c, asked)
  return c
end

local function serve_to_the_end(c)
  local fine, last = pcall(serve, c)
  if fine then c = last else io.stderr:write(tostring(last), "\n") end
  c:close()
  open[c] = nil
  places:release()
end

local threads = setmetatable({}, { __mode = "k" })
local acceptor = threading.start(function()
  for c in function() return (listener:accept()) end do
    if places:acquire(false) then
      open[c] = "busy"
      threads[threading.start(serve_to_the_end, c)] = true
    else
      count "refused"
      c:settimeout(0)
      if not context then answer(c, "503 Service Unavailable", "", false) end
      c:close()
    end
  end
end)

local address, port = listener:getsockname()
print(("%s server on %s:%d, at most %d connections"):format(context and "https" or "http", address, port, limit))
io.stdout:flush()

local name = signal.wait { "SIGTERM", "SIGINT" }
print(name .. ": answers what was asked")
io.stdout:flush()
stopping = true
listener:close()
acceptor:join()
for c, state in pairs(open) do
  if state == "idle" then threading.start(c.close, c) end -- which brings its thread out
end
for thread in pairs(threads) do thread:join() end
print(("%d requests, %d connections refused, %d slow ones"):format(served.requests, served.refused, served.slow))
