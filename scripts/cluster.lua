-- Runs a script beside job servers and workers of its own, all on 127.0.0.1, as they would be on many machines.
-- usage: cluster.lua [--servers N] [--workers N] script [args]     2 servers and 4 workers without any
--
-- The script finds the servers in the environment variable GILUA_SERVERS, and in GILUA_TOKEN the secret that lets
-- functions travel to the workers. Try: tools/run scripts/cluster.lua scripts/word_count.lua
local futures = require "gilua.futures"
local signal = require "gilua.signal"
local time = require "gilua.time"

local function quit(text)
  io.stderr:write(text, "\nusage: cluster.lua [--servers N] [--workers N] script [args]\n")
  os.exit(2)
end

local wanted, i = { servers = 2, workers = 4 }, 1
while arg[i] and arg[i]:find "^%-%-" do
  local name, n = arg[i]:match "^%-%-(%a+)$", math.tointeger(tonumber(arg[i + 1]))
  if not wanted[name] or not n or n < 1 then quit("wrong option '" .. arg[i] .. "'") end
  wanted[name] = n
  i = i + 2
end
if not arg[i] then quit "no script" end
local found <close> = io.popen "command -v gearmand || ls /usr/sbin/gearmand 2>/dev/null"
local gearmand = found:read "l"
if not gearmand then quit "gearmand is not installed: tools/setup --distributed, or Debian's gearman-job-server" end

local function quote(s) return "'" .. tostring(s):gsub("'", "'\\''") .. "'" end
local program = quote(arg[-1])

-- Whatever is started ends with this program, in the reverse order.
local pids = {}
local running <close> = setmetatable({}, { __close = function()
  for k = #pids, 1, -1 do signal.kill(pids[k], "SIGTERM") end
end })

-- The process runs in the background; what it says goes to standard error.
local function start(command)
  local p <close> = io.popen(command .. " </dev/null >&2 & echo $!")
  pids[#pids + 1] = p:read "n"
end

local function is_free(port)
  for line in io.lines "/proc/net/tcp" do
    if line:find((":%04X 00000000:0000 0A"):format(port)) then return false end
  end
  return true
end

local port = 24730 + time.time_ns() // 1000 % 5000 -- others may be starting one, too
local function start_server()
  repeat port = port + 1 until is_free(port)
  local address = "127.0.0.1:" .. port
  start(("%s --listen=127.0.0.1 --port=%d --job-retries=10 --worker-wakeup=1 --log-file=none"):format(gearmand, port))
  local deadline = time.monotonic() + 10
  repeat
    local ok, pool = pcall(futures.GearmanExecutor, { servers = { address } })
    if ok then
      pool:shutdown()
      return address
    end
    time.sleep(0.02)
  until time.monotonic() > deadline
  error "no job server starts"
end

-- The secret of this run.
local random <close> = io.open "/dev/urandom"
local token = random:read(16):gsub(".", function(c) return ("%02x"):format(c:byte()) end)

local servers = {}
for k = 1, wanted.servers do servers[k] = start_server() end
local environment = ("GILUA_SERVERS=%s GILUA_TOKEN=%s exec "):format(table.concat(servers, ","), token)
for _ = 1, wanted.workers do
  start(("%s %s worker --quiet --processes 1 --gearman %s"):format(environment, program, table.concat(servers, ",")))
end

local words = {}
for k = i, #arg do words[#words + 1] = quote(arg[k]) end
local _, how, status = os.execute(environment .. program .. " " .. table.concat(words, " "))
os.exit(how == "exit" and status or 128 + status, true)
