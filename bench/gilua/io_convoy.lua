-- How late a thread that answers requests is, over a socket or two named pipes, beside threads that compute. The client is a
-- process of its own, the one that the peers of this bench have: the program that BENCH_CLIENT names.
-- usage: io_convoy.lua [N] [tcp|udp|fifo] [SPINNERS] [MAX_SECONDS] [PAUSE_US]
local C = require "common"
local threading = require "gilua.threading"
local client = assert(os.getenv "BENCH_CLIENT", "BENCH_CLIENT is not set")
local n, mode, spinners, max_s, pause_us = C.args(20000, "tcp", 1, 3, 0)

-- Each returns what the thread is to do, what the client has to know, and what is to be done in the end.
local modes = {}

function modes.fifo()
  local dir = io.popen("mktemp -d"):read("l")
  local request, reply = dir .. "/req", dir .. "/rep"
  assert(os.execute("mkfifo " .. request .. " " .. reply))
  local function serve()
    local r, w = io.open(request, "r"), io.open(reply, "w")
    r:setvbuf("full", 4096)
    w:setvbuf("no")
    for data in function() return r:read(16) end do w:write(data) end
    r:close()
    w:close()
  end
  return serve, request .. " " .. reply, function() os.execute("rm -r " .. dir) end
end

function modes.tcp()
  local listener = assert(require "gilua.socket".bind("127.0.0.1", 0))
  local function serve()
    local c = assert(listener:accept())
    c:setoption("tcp-nodelay", true)
    for data in function() return (c:receive(16)) end do c:send(data) end
    c:close()
  end
  return serve, select(2, listener:getsockname()), function() listener:close() end
end

function modes.udp()
  local u = assert(require "gilua.socket".udp())
  assert(u:setsockname("127.0.0.1", 0))
  local function serve()
    while true do
      local data, ip, port = u:receivefrom(64)
      if data:sub(1, 4) == "quit" then break end
      u:sendto(data, ip, port)
    end
  end
  return serve, select(2, u:getsockname()), function() u:close() end
end

local serve, where, clean = modes[mode]()
local stop, spun = false, {}

local function spin(slot)
  local k = 0
  while not stop do
    for _ = 1, 1000 do end
    k = k + 1000
  end
  spun[slot] = k
end

-- spins a second of a thread that is alone
local function alone()
  local thread, t0 = threading.start(spin, 1), C.now()
  require "gilua.time".sleep(0.2)
  stop = true
  thread:join()
  stop = false
  return spun[1] / (C.now() - t0)
end

local alone_per_s = spinners > 0 and alone() or 1

local server, threads = threading.start(serve), {}
for i = 1, spinners do threads[i] = threading.start(spin, i) end
local t0 = C.now()
local p = io.popen(string.format("%s %s %s %d %g %d", client, mode, where, n, max_s, pause_us))
local result = p:read("a")
p:close()
server:join()
local seconds = C.now() - t0
stop = true
local sum = 0
for i, thread in ipairs(threads) do
  thread:join()
  sum = sum + spun[i]
end
clean()
local function field(name) return tonumber(result:match('"' .. name .. '":([%d.]+)')) end
C.emit("io_convoy." .. mode, { "n", field "count", "mean_us", field "mean_us", "p50_us", field "p50_us", "p99_us", field "p99_us",
  "max_us", field "max_us", "spins_per_s", sum / seconds,
  "spinner_share", sum / seconds / alone_per_s })
