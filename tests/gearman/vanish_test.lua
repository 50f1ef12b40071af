-- A worker's host that vanishes without a word: a network of its own, whose cable is pulled.
--
-- The test runs itself once more in a network namespace, where it may make interfaces; where that is not allowed it
-- asks nothing.
local C = require "cluster"
local t = require "testing"
C.required()

if arg[1] ~= "inside" then
  local may <close> = io.popen "unshare -rn unshare -n true 2>/dev/null && command -v ip >/dev/null && echo yes"
  if may:read "l" ~= "yes" then
    print "ok - no network namespaces here: nothing is asked of a host that vanishes"
    os.exit(true)
  end
  local text, status = t.run({ arg[0], "inside" }, { before = "unshare -rn " })
  print(text)
  os.exit(status == 0)
end

local tasks = require "tasks"

local function run(command) assert(os.execute(command), command) end

-- Another host: what runs there has the address 10.77.0.2, and this one is 10.77.0.1.
local function other_host(cluster)
  local name = cluster:path "host"
  run(("unshare -n sh -c 'echo $$ >%s; exec sleep 1000' </dev/null >/dev/null 2>&1 &"):format(name))
  local pid
  t.eventually(function()
    local f <close> = io.open(name)
    pid = f and f:read "n"
    return pid
  end, "another host")
  run("ip link add v0 type veth peer name v1 netns " .. pid)
  run "ip addr add 10.77.0.1/24 dev v0 && ip link set v0 up"
  local inside = ("nsenter --net=/proc/%d/ns/net "):format(pid)
  run(inside .. "ip addr add 10.77.0.2/24 dev v1 && " .. inside .. "ip link set v1 up")
  return inside, pid
end

-- Whether everything that was sent to that host, 10.77.0.2, has been acknowledged. Keepalive asks nothing while something is under way.
local function is_acknowledged()
  for line in io.lines "/proc/net/tcp" do
    local queued = line:match " 02004D0A:%x+ 01 (%x+):"
    if queued and tonumber(queued, 16) > 0 then return false end
  end
  return true
end

t.test("the tasks of a worker whose host vanished are done by another, once keepalive finds out", function()
  run "ip link set lo up"
  local cluster <close> = C.new()
  local inside, host = other_host(cluster)
  local server = cluster:server({ "--job-retries=10", "--keepalive", "--keepalive-idle=1", "--keepalive-interval=1",
    "--keepalive-count=2" }, "10.77.0.1")
  local far = cluster:worker { before = inside }
  server:await_workers(1)
  local pool <close> = cluster:executor()
  local gate <close> = cluster:gate()
  local f = pool:submit(tasks.pass, gate.path, "done")
  local first = gate:await()[1]
  cluster:worker()
  server:await_workers(2)
  t.eventually(is_acknowledged, "acknowledgement")
  run "ip link set v0 down" -- the cable
  run "ip addr add 10.77.0.1/32 dev lo" -- the server's address stays reachable from here
  local second = gate:await(2)[2]
  assert(first ~= second)
  gate:open()
  t.equal(f:result(), "done")
  require("gilua.signal").kill(host, "SIGKILL")
end)

t.finish()
