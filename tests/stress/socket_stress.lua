-- A server with a thread for each connection: 1000 that are idle and 50 that are busy. No request is lost, no wait hangs,
-- everything ends. The program runs itself again with room for the descriptors: two ends and a wake-up each.
local t = require "testing"

if arg[1] ~= "inner" then
  local text, status = t.run({ arg[0], "inner", table.unpack(arg) }, { before = "ulimit -n 8192;" })
  io.write(text, "\n")
  os.exit(status == 0)
end

local threading = require "gilua.threading"
local gil = require "gilua.gil"
t.find_system_modules()
local socket = require "gilua.socket"
local idle, busy = tonumber(arg[2] or 1000), tonumber(arg[3] or 50)
local requests = tonumber(arg[4] or t.hostile and 40 or 200)
t.limit = 120

local function serve(listener)
  local threads = {}
  while true do
    local c = listener:accept()
    if not c then break end
    threads[#threads + 1] = threading.start(function()
      local n = 0
      for line in function() return (c:receive()) end do
        n = n + 1
        assert(c:send(line .. "\n"))
      end
      c:close()
      return n
    end)
  end
  local served = 0
  for _, thread in ipairs(threads) do served = served + thread:result() end
  return served
end

t.test(string.format("%d idle connections and %d busy ones with a thread each: no request is lost", idle, busy), function()
  local listener = assert(socket.bind("127.0.0.1", 0, 1024))
  local _, port = listener:getsockname()
  local server = threading.start(serve, listener)
  local sleepers = {}
  for i = 1, idle do sleepers[i] = assert(socket.connect("127.0.0.1", port)) end
  gil.switch_interval(1e-4)
  t.join(t.start(busy, function(k)
    local c = assert(socket.connect("127.0.0.1", port))
    c:setoption("tcp-nodelay", true)
    for i = 1, requests do
      local line = string.format("%d:%d:%s", k, i, ("x"):rep(i * 37 % 3000))
      assert(c:send(line:sub(1, 5)))
      assert(c:send(line .. "\n", 6))
      local answer, why = c:receive()
      if answer ~= line then error(string.format("request %d of %d: %s", i, k, why or "another answer")) end
    end
    c:close()
  end))
  gil.switch_interval(5e-3)
  for _, c in ipairs(sleepers) do assert(c:send "awake\n") end
  for _, c in ipairs(sleepers) do
    t.equal(c:receive(), "awake")
    c:close()
  end
  listener:close()
  t.equal(server:result(), idle + busy * requests)
end)

t.test("threads that are cancelled while they talk leave others alone", function()
  local listener = assert(socket.bind("127.0.0.1", 0, 128))
  local _, port = listener:getsockname()
  local server = threading.start(serve, listener)
  for _ = 1, 20 do
    local open = {}
    local talkers = t.start(4, function(k)
      local c = assert(socket.connect("127.0.0.1", port))
      open[k] = c
      while true do
        assert(c:send "line\n")
        assert(c:receive())
      end
    end)
    t.eventually(function() return open[1] and open[2] and open[3] and open[4] end, "connections")
    for _, thread in ipairs(talkers) do thread:cancel() end
    for _, thread in ipairs(talkers) do thread:join() end
    for k = 1, 4 do open[k]:close() end
  end
  listener:close()
  server:result()
end)

t.finish()
