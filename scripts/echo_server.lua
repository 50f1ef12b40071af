-- A server with a thread for each connection: what a client sends comes back, line by line. Ctrl-C ends it.
-- usage: echo_server.lua [port = 7007 [address = 127.0.0.1]]
local socket = require "gilua.socket"
local threading = require "gilua.threading"
local gilua = require "gilua"

local port = math.tointeger(tonumber(arg[1] or 7007))
if not port or port < 0 or port > 65535 then
  io.stderr:write("usage: echo_server.lua [port = 7007 [address = 127.0.0.1]]\n")
  os.exit(2)
end
local listener = assert(socket.bind(arg[2] or "127.0.0.1", port, 1024))
local address
address, port = listener:getsockname()
local served = { connections = 0, lines = 0 }
local served_lock = threading.Lock()

local function count(what)
  local _ <close> = served_lock:hold()
  served[what] = served[what] + 1
end

-- A connection's thread waits without the lock, for as long as its client likes.
local function serve(client)
  client:setoption("tcp-nodelay", true)
  for line in function() return (client:receive()) end do
    if not client:send(line .. "\n") then break end -- the client has gone
    count "lines"
  end
  client:close()
end

print(string.format("echo server on %s:%d, try: nc %s %d", address, port, address, port))
io.stdout:flush()

local ok, err = pcall(function()
  while true do
    local client = assert(listener:accept())
    count "connections"
    threading.Thread { target = serve, args = { client }, daemon = true }:start()
  end
end)
listener:close()
if not ok and not gilua.is_error(err, "interrupted") then error(err, 0) end
print(string.format("\n%d connections, %d lines", served.connections, served.lines))
