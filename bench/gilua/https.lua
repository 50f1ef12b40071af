-- A server of https with a thread for each connection: small requests a second on connections that are kept, and a download.
-- The clients are programs of their own, the same as the peers have: wrk, and https_client.py for the download.
-- usage: https.lua [CONNECTIONS] [SECONDS] [MEBIBYTES]
local C = require "common"
local socket = require "gilua.socket"
local threading = require "gilua.threading"
local ssl = require "ssl"
local connections, seconds, mebibytes = C.args(50, 2.0, 64)

local dir = os.tmpname()
os.remove(dir)
assert(os.execute(("mkdir %s && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout %s/key.pem "):format(dir, dir)
  .. ("-out %s/cert.pem -days 2 -subj /CN=localhost 2>/dev/null"):format(dir)))
local context = assert(ssl.newcontext { mode = "server", protocol = "any", key = dir .. "/key.pem", certificate = dir .. "/cert.pem" })
local listener = assert(socket.bind("127.0.0.1", 0, 1024))
local _, port = listener:getsockname()
local large = ("x"):rep(1 << 20)

local function serve(c)
  c:setoption("tcp-nodelay", true)
  local s = assert(ssl.wrap(c, context))
  if not s:dohandshake() then return s:close() end
  for line in function() return (s:receive()) end do
    repeat local header = s:receive() until not header or header == ""
    if line:find("/large", 1, true) then
      s:send("HTTP/1.1 200 OK\r\nContent-Length: " .. #large * mebibytes .. "\r\n\r\n")
      for _ = 1, mebibytes do s:send(large) end
    elseif not s:send "HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\nhello, world\n" then break end
  end
  s:close()
end

threading.Thread { daemon = true, target = function()
  for c in function() return (listener:accept()) end do threading.Thread { daemon = true, target = serve, args = { c } }:start() end
end }:start()
local p = io.popen(("wrk -t1 -c%d -d%gs https://127.0.0.1:%d/ 2>&1"):format(connections, seconds, port))
local text = p:read "a"
p:close()
local rate = assert(tonumber(text:match "Requests/sec:%s*([%d.]+)"), text)
p = io.popen(([[python3 %s/peers/python/https_client.py %d]]):format(arg[0]:match "^(.*)/gilua/", port))
local took = assert(tonumber(p:read "a"))
p:close()
os.execute("rm -r " .. dir)
C.emit("https", { "n", rate * seconds // 1, "seconds", seconds, "requests_per_s", rate, "download_seconds", took })
os.exit(true)
