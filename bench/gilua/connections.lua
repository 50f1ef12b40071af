-- A thread for each connection, many of which say nothing: requests a second. The client is a process of its own, the one
-- that the peers of this bench have: the program that BENCH_CLIENT names.
-- usage: connections.lua [IDLE] [BUSY] [SECONDS]
local C = require "common"
local socket = require "gilua.socket"
local threading = require "gilua.threading"
local client = assert(os.getenv "BENCH_CLIENT", "BENCH_CLIENT is not set")
local idle, busy, seconds = C.args(1000, 50, 2.0)

local listener = assert(socket.bind("127.0.0.1", 0, idle + busy))
local _, port = listener:getsockname()

local function serve(c)
  c:setoption("tcp-nodelay", true)
  for data in function() return (c:receive(16)) end do
    if not c:send(data) then break end
  end
  c:close()
end

local acceptor = threading.start(function()
  local threads = {}
  for i = 1, idle + busy do threads[i] = threading.start(serve, (assert(listener:accept()))) end
  for _, thread in ipairs(threads) do thread:join() end
end)
local p = io.popen(string.format("%s %s %d %d %g", client, port, idle, busy, seconds))
local result = p:read("a")
assert(p:close(), "the client failed")
acceptor:join()
listener:close()
local fields = {}
for name, value in result:gmatch('"([%w_]+)":([%d.]+)') do
  fields[#fields + 1] = name
  fields[#fields + 1] = tonumber(value)
end
C.emit("connections", fields)
