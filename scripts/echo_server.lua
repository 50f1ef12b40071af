-- A server with a thread for each connection: what a client sends comes back, line by line. It refuses connections beyond a limit,
-- and gives up clients that say nothing for too long. SIGTERM or Ctrl-C: it answers what was sent by then, and ends.
-- usage: echo_server.lua [port = 7007 [address = 127.0.0.1 [connections = 20000 [seconds = 0: for ever]]]]
local signal = require "gilua.signal"
local socket = require "gilua.socket"
local threading = require "gilua.threading"
local gilua = require "gilua"

local port = math.tointeger(tonumber(arg[1] or 7007))
local limit, patience = math.tointeger(tonumber(arg[3] or 20000)), tonumber(arg[4] or 0)
if not port or port < 0 or port > 65535 or not limit or not patience then
  io.stderr:write("usage: echo_server.lua [port = 7007 [address = 127.0.0.1 [connections = 20000 [seconds = 0: for ever]]]]\n")
  os.exit(2)
end
local listener = assert(socket.bind(arg[2] or "127.0.0.1", port, 4096))
local address
address, port = listener:getsockname()
local served, served_lock = { connections = 0, lines = 0, refused = 0 }, threading.Lock()
local places, open = threading.Semaphore(limit), {} -- open: client -> its thread

local function count(what)
  local _ <close> = served_lock:hold()
  served[what] = served[what] + 1
end

-- A connection's thread waits without the lock, for as long as its client likes.
local function serve(client)
  client:setoption("tcp-nodelay", true)
  if patience > 0 then client:settimeout(patience) end
  for line in function() return (client:receive()) end do
    count "lines"
    if not client:send(line .. "\n") then break end -- the client has gone
  end
  client:close()
  open[client] = nil
  places:release()
end

print(string.format("echo server on %s:%d, try: nc %s %d", address, port, address, port))
io.stdout:flush()

local ENDED = "ended by SIGTERM"
signal.signal("SIGTERM", function() error(ENDED, 0) end)
local ok, err = pcall(function()
  while true do
    local client = assert(listener:accept())
    if places:acquire(false) then
      count "connections"
      open[client] = threading.Thread { target = serve, args = { client }, daemon = true }
      open[client]:start()
    else
      count "refused"
      client:close()
    end
  end
end)
listener:close()
if not ok and err ~= ENDED and not gilua.is_error(err, "interrupted") then error(err, 0) end
for client, thread in pairs(open) do
  client:shutdown "receive" -- what came before is still read
  thread:join(2)
end
print(string.format("\n%d connections, %d lines%s", served.connections, served.lines,
  served.refused > 0 and (", %d refused"):format(served.refused) or ""))
