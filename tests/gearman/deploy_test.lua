-- What docs/gearman.md tells a deployer to type and to write into files, as it stands but for addresses and paths. The recipe
-- for TLS is in stunnel_test.lua.
local C = require "cluster"
local t = require "testing"
C.required()

local signal = require "gilua.signal"

local manual
do
  local f <close> = assert(io.open(os.getenv "TEST_ROOT" .. "/docs/gearman.md"))
  manual = f:read "a"
end

-- The block of the manual that has such a text.
local function block(text)
  for body in manual:gmatch "\n```%a*\n(.-)```" do
    if body:find(text, 1, true) then return body end
  end
  error("the manual has no block with " .. text)
end

-- The text with each of {old, new} replaced, once or more.
local function changed(text, changes)
  for _, change in ipairs(changes) do
    local n
    text, n = text:gsub(change[1]:gsub("%p", "%%%0"), function() return change[2] end)
    assert(n > 0, change[1])
  end
  return text
end

local function write(path, text)
  local f <close> = io.open(path, "w")
  f:write(text)
end

local function read_pid(path)
  return t.eventually(function()
    local f <close> = io.open(path)
    return f and f:read "n"
  end, path)
end

-- Ends a daemon as the scope ends.
local function daemon(path)
  return setmetatable({ pid = read_pid(path) }, { __close = function(self)
    signal.kill(self.pid, "SIGKILL")
    t.eventually(function() return not C.alive(self.pid) end, "the daemon to end")
  end })
end

t.test("first steps: the commands start a server and a worker, and the program prints its results", function()
  local cluster <close> = C.new()
  local port, dir = C.free_port(), cluster.dir
  local address = "127.0.0.1:" .. port
  write(dir .. "/words.lua", block "local words = {}")
  write(dir .. "/program.lua", changed(block "three little words", { { "127.0.0.1:4730", address } }))
  local serve, work = block("--daemon\ngilua worker"):match "^(.-)\n(.-)\n$"
  local extra = (" --daemon --port=%d --pid-file=%s/pid --log-file=%s/log"):format(port, dir, dir)
  assert(os.execute(changed(serve, { { " --daemon", extra }, { "/usr/sbin/gearmand", C.program } })))
  local _ <close> = daemon(dir .. "/pid")
  t.eventually(function() return C.listens(port) end, "the server to listen") -- a daemon's command ends before that
  local environment = ("LUA_PATH='%s/?.lua;;'"):format(dir)
  local words = {}
  for word in changed(work, { { "gilua", os.getenv "GILUA" }, { "127.0.0.1:4730", address } }):gmatch "%S+" do
    words[#words + 1] = word
  end
  cluster:run("a worker", words, environment)
  local text, status = t.run({ dir .. "/program.lua" }, { before = environment .. " " })
  t.equal(text, "3\n1\n2\n")
  t.equal(status, 0)
end)

t.test("the file of the server starts one that goes to the background, as Debian's unit expects it", function()
  local cluster <close> = C.new()
  local port, dir = C.free_port(), cluster.dir
  local file = changed(block "# /etc/default/gearman-job-server", {
    { "10.0.0.5", "127.0.0.1 --port=" .. port }, { "/var/log/gearman-job-server", dir } })
  write(dir .. "/default", file)
  assert(os.execute(("timeout 20 sh -c '. %s/default; exec %s --pid-file=%s/pid $PARAMS'"):format(dir, C.program, dir)))
  local _ <close> = daemon(dir .. "/pid")
  t.eventually(function() return C.listens(port) end, "the server to listen")
end)

t.test("the unit of the worker is one, and its command does tasks of its queue", function()
  local cluster <close> = C.new()
  local server = cluster:server()
  local dir = cluster.dir
  local unit = changed(block "# /etc/systemd/system/words-worker.service", { { "/usr/bin/gilua", os.getenv "GILUA" },
    { "10.0.0.5:4730,10.0.0.6:4730", server.address }, { "/srv/words", dir } })
  write(dir .. "/words-worker.service", unit)
  write(dir .. "/words.lua", block "local words = {}")
  local analyze <close> = io.popen "command -v systemd-analyze"
  if analyze:read "l" then
    local p <close> = io.popen(("systemd-analyze verify %s/words-worker.service 2>&1"):format(dir))
    t.equal(p:read "a", "")
  end
  local words = {}
  for word in unit:match "\nExecStart=([^\n]*)\n":gmatch "%S+" do words[#words + 1] = word end
  local worker = cluster:run("a worker", words, unit:match "\nEnvironment=([^\n=]*=)" .. ("'%s'"):format(unit:match "\nEnvironment=[^\n=]*=([^\n]*)\n"))
  local pool <close> = cluster:executor { queue = "words" }
  t.equal(pool:submit("words:count", "three little words"):result(), 3)
  worker:kill "SIGTERM"
  worker:await_end()
  assert(worker:log():find "ended\n$", worker:log())
end)

t.finish()
