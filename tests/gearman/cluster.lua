-- Job servers and workers for tests, on 127.0.0.1: each a process in the background, with a log of its own.
--
--   local cluster <close> = C.new()         everything that was started in it ends with it
--   local server = cluster:server()         server.address, :kill(signal), :start() (again, the same port), :status()
--   local worker = cluster:worker{…}        options of `gilua worker` beside servers and modules; :kill(signal) …
--
-- All waits are for something that can be seen: a port that listens, a worker that the server lists, a text in a log.
local signal = require "gilua.signal"
local t = require "testing"

local C = { installed = false }
do
  local p <close> = io.popen "command -v gearmand || ls /usr/sbin/gearmand 2>/dev/null"
  C.program = p:read "l"
  C.installed = C.program ~= nil
end

-- Ends a test file where there are no job servers to test with.
function C.required()
  if C.installed then return end
  print "ok - gearmand is not installed (tools/setup --distributed): nothing is asked of it"
  os.exit(true)
end

local function quote(s) return "'" .. tostring(s):gsub("'", "'\\''") .. "'" end

local function read(path)
  local f <close> = io.open(path, "rb")
  return f and f:read "a" or ""
end

-- Starts a command and returns its process id. Somebody else's child: a shell that has ended has started it.
local function start(words, log, environment)
  local quoted = {}
  for i, word in ipairs(words) do quoted[i] = quote(word) end
  local command = "%s setsid %s </dev/null >>%s 2>&1 & echo $!"
  local p <close> = io.popen(command:format(environment or "", table.concat(quoted, " "), quote(log)))
  return p:read "n"
end

local function alive(pid)
  local state = read("/proc/" .. pid .. "/stat"):match "%) (%a)"
  return state ~= nil and state ~= "Z" and state ~= "X"
end
C.alive = alive

-- The inode of the socket that listens on a port, here; nil: none does. They come first in the list, before thousands of
-- connections that other tests may have left.
local function listens(port)
  local hex, lines = (":%04X"):format(port), io.lines "/proc/net/tcp"
  lines() -- the heads of the columns
  for line in lines do
    local address, state, rest = line:match "^%s*%d+: %x+(:%x+) %x+:%x+ (%x%x) (.*)"
    if state ~= "0A" then return end
    if address == hex then return rest:match "^%S+ %S+ %S+ +%d+ +%d+ (%d+)" end
  end
end

C.listens = listens

-- Whether it is the process's: tests run side by side, and another may have been faster.
local function listens_of(port, pid)
  local inode = listens(port)
  if not inode then return false end
  local p <close> = io.popen("ls -l /proc/" .. pid .. "/fd 2>/dev/null")
  return p:read "a":find("socket:[" .. inode .. "]", 1, true) ~= nil
end

local Process = {}
Process.__index = Process

function Process:kill(name) signal.kill(self.pid, name or "SIGKILL") end
function Process:ended() return not alive(self.pid) end
function Process:log() return read(self.path) end

function Process:await_end()
  t.eventually(function() return not alive(self.pid) end, self.what .. " to end")
end

function Process:await_log(pattern)
  t.eventually(function() return self:log():find(pattern) end, pattern .. " in the log of " .. self.what)
end

-- Stopped, or going on, as the kernel sees it.
function Process:freeze()
  self:kill "SIGSTOP"
  t.eventually(function() return read("/proc/" .. self.pid .. "/stat"):match "%) T" end, self.what .. " to stop")
end

function Process:thaw() self:kill "SIGCONT" end

local Server = setmetatable({}, { __index = Process })
Server.__index = Server

local ports = 10000 + (require("gilua.time").time_ns() // 1000 % 14000)

-- Below the ports that the system gives away, so that nobody gets it between two starts.
local function free_port()
  repeat ports = ports < 24000 and ports + 1 or 10000 until not listens(ports)
  return ports
end
C.free_port = free_port

function Server:start()
  for _ = 1, 20 do
    local port = self.port or free_port()
    self.pid = start({ C.program, "--listen=" .. self.host, "--port=" .. port, "--log-file=" .. self.path,
      "--verbose=ERROR", "--worker-wakeup=1", "--threads=2", table.unpack(self.options) }, self.path)
    t.eventually(function() return listens_of(port, self.pid) or not alive(self.pid) end, "a job server")
    if alive(self.pid) then
      self.port, self.address = port, self.host .. ":" .. port
      return self
    end
    if self.port then t.eventually(function() return not listens(port) end, "the port of a job server") end
  end
  error("no job server starts: " .. self:log())
end

-- What the server answers to a command of administration, up to a line with a dot, or its first `lines` lines.
function Server:ask(command, lines)
  local until_dot = lines and "head -" .. lines or "sed /^\\.$/q"
  local shell = "timeout 10 bash -c 'exec 3<>/dev/tcp/%s/%d; echo %s >&3; %s <&3' 2>&1"
  return io.popen(shell:format(self.host, self.port, command, until_dot))
end

-- What the server says of its queues: {name → {jobs, running, workers}}.
function Server:status()
  local p <close> = self:ask "status"
  local queues = {}
  for line in p:lines() do
    local name, jobs, running, workers = line:match "^(%S+)\t(%d+)\t(%d+)\t(%d+)$"
    if name then queues[name] = { jobs = tonumber(jobs), running = tonumber(running), workers = tonumber(workers) } end
  end
  return queues
end

-- The jobs that it has: {number =, unwanted = who submitted it has gone}.
function Server:jobs()
  local p <close> = self:ask "show jobs"
  local list = {}
  for line in p:lines() do
    local number, unwanted = line:match "^H:%S+:(%d+)\t%d+\t([01])\t"
    if number then list[#list + 1] = { number = tonumber(number), unwanted = unwanted == "1" } end
  end
  return list
end

function Server:await_workers(n, queue)
  t.eventually(function()
    local q = self:status()[queue or "gilua"]
    return (q and q.workers or 0) == n
  end, n .. " workers")
end

local Cluster = {}
Cluster.__index = Cluster

function C.new()
  local dir = os.tmpname()
  os.remove(dir)
  assert(os.execute("mkdir " .. quote(dir)))
  return setmetatable({ dir = dir, n = 0, processes = {}, servers = {} }, Cluster)
end

function Cluster:path(name)
  self.n = self.n + 1
  return ("%s/%s%d"):format(self.dir, name, self.n)
end

function Cluster:server(options, host)
  local server = setmetatable({ what = "a job server", path = self:path "server", host = host or "127.0.0.1" }, Server)
  server.options = options or { "--job-retries=10" }
  server:start()
  table.insert(self.processes, server)
  table.insert(self.servers, server)
  return server
end

function Cluster:addresses()
  local list = {}
  for i, server in ipairs(self.servers) do list[i] = server.address end
  return list
end

function Cluster:worker(options)
  options = options or {}
  local processes = options.processes or 1
  local words = { os.getenv "GILUA", "worker", "--gearman", table.concat(options.servers or self:addresses(), ","),
    "--processes", processes }
  if options.require ~= false then
    for _, module in ipairs(options.require or { "tasks" }) do
      table.insert(words, "--require")
      table.insert(words, module)
    end
  end
  for _, word in ipairs(options) do table.insert(words, word) end
  return self:run("a worker", words, options.before or options.environment)
end

-- Any program in the background; before stands before its command, such as variables of the environment.
function Cluster:run(what, words, before)
  local p = setmetatable({ what = what, path = self:path "log" }, Process)
  p.pid = start(words, p.path, before)
  table.insert(self.processes, p)
  return p
end

-- Any other program that is to listen on a port.
function Cluster:background(what, words, log, port)
  local p = setmetatable({ what = what, path = log, pid = start(words, log) }, Process)
  table.insert(self.processes, p)
  t.eventually(function() return listens_of(port, p.pid) or not alive(p.pid) end, what)
  if not alive(p.pid) then error(what .. " does not start: " .. p:log()) end
  return p
end

-- An executor of its servers. The limit on waiting is generous: machines that run tests are slow.
function Cluster:executor(options)
  local all = { servers = self:addresses(), heartbeat = 20, server_timeout = 60 }
  for k, v in pairs(options or {}) do all[k] = v end
  return require("gilua.futures").GearmanExecutor(all)
end

-- A gate: a task that gets gate.path says that it is there and waits until the gate is opened, at the latest when it is
-- closed.
local Gate = {}
Gate.__index = Gate

function Cluster:gate() return setmetatable({ path = self:path "gate" }, Gate) end

function Gate:open() io.open(self.path, "w"):close() end

Gate.__close = Gate.open

-- The process ids of those that came, in order.
function Gate:there()
  local list = {}
  for line in read(self.path .. ".there"):gmatch "%d+" do list[#list + 1] = tonumber(line) end
  return list
end

function Gate:await(n)
  t.eventually(function() return #self:there() >= (n or 1) end, (n or 1) .. " at a gate")
  return self:there()
end

-- Ends all of it. A file's own cluster is closed by hand, as t.finish leaves by os.exit.
function Cluster:close(err)
  for i = #self.processes, 1, -1 do
    local p = self.processes[i]
    signal.kill(p.pid, "SIGCONT")
    signal.kill(p.pid, "SIGKILL")
    p:await_end()
    if err and os.getenv "GEARMAN_TEST_LOGS" then print("# " .. p.what .. ": " .. p:log():gsub("\n", "\n# ")) end
  end
  os.execute("rm -rf " .. quote(self.dir))
end

Cluster.__close = Cluster.close

return C
