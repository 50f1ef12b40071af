-- How late a thread that answers requests over two named pipes is, beside threads that compute. The client is a process of
-- its own, the one that the peers of this bench have.
-- usage: io_convoy.lua CLIENT-PROGRAM [N] [SPINNERS] [MAX_SECONDS] [PAUSE_US]
local C = require "common"
local threading = require "gilua.threading"
local client = arg[1]
table.remove(arg, 1)
local n, spinners, max_s, pause_us = C.args(20000, 1, 3, 0)

local dir = io.popen("mktemp -d"):read("l")
local request, reply = dir .. "/req", dir .. "/rep"
assert(os.execute("mkfifo " .. request .. " " .. reply))

local function serve()
  local r, w = io.open(request, "r"), io.open(reply, "w")
  r:setvbuf("full", 4096)
  w:setvbuf("no")
  while true do
    local data = r:read(16)
    if not data then break end
    w:write(data)
  end
  r:close()
  w:close()
end

local stop, spun = false, {}

local function spin(slot)
  local k = 0
  while not stop do
    for _ = 1, 1000 do end
    k = k + 1000
  end
  spun[slot] = k
end

local server, threads = threading.start(serve), {}
for i = 1, spinners do threads[i] = threading.start(spin, i) end
local t0 = C.now()
local p = io.popen(string.format("%s fifo %s %s %d %g %d", client, request, reply, n, max_s, pause_us))
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
os.execute("rm -r " .. dir)
local function field(name) return tonumber(result:match('"' .. name .. '":([%d.]+)')) end
C.emit("io_convoy.fifo", { "n", field "count", "mean_us", field "mean_us", "p50_us", field "p50_us", "p99_us", field "p99_us",
  "max_us", field "max_us", "spins_per_s", sum / seconds })
