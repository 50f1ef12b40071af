-- Job servers that speak nonsense: each connection is answered by a function of the test.
--
--   local server <close> = nonsense.server(function(send, kind, body, close) … end)      server.address
--
-- answer is called for each packet that comes, kind a number, and with "line" for a line; send writes bytes.
local socket = require "gilua.socket"
local threading = require "gilua.threading"

local nonsense = { CREATED = 8, GRAB = 30, SUBMIT = 7, ECHO = 16 }

-- A server's packet.
function nonsense.packet(kind, ...)
  local rest = table.concat({ ... }, "\0")
  return "\0RES" .. (">I4I4"):pack(kind, #rest) .. rest
end

local function converse(conn, answer)
  local function send(bytes) return conn:send(bytes) end
  local function close() conn:close() end
  while true do
    local first = conn:receive(1)
    if not first then break end
    if first == "\0" then
      local head = conn:receive(11)
      if not head then break end
      local kind, size = (">I4I4"):unpack(head, 4)
      local body = size == 0 and "" or conn:receive(size)
      if not body then break end
      answer(send, kind, body, close)
    else
      answer(send, "line", first .. (conn:receive "*l" or ""), close)
    end
  end
  conn:close()
end

local Server = {}
Server.__index = Server

-- Ends its threads, too.
function Server:__close()
  self.closing = true
  self.listener:close()
  for _, conn in ipairs(self.conns) do conn:close() end
  for _, thread in ipairs(self.threads) do thread:join() end
end

function nonsense.server(answer)
  local listener = assert(socket.bind("127.0.0.1", 0, 128))
  local _, port = listener:getsockname()
  local server = setmetatable({ listener = listener, address = "127.0.0.1:" .. port, conns = {}, threads = {} }, Server)
  server.threads[1] = threading.start(function()
    while not server.closing do
      local conn = listener:accept()
      if not conn or server.closing then break end
      conn:setoption("tcp-nodelay", true)
      table.insert(server.conns, conn)
      table.insert(server.threads, threading.start(converse, conn, answer))
    end
  end)
  return server
end

return nonsense
