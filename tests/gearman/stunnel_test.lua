-- The recipe of docs/gearman.md for TLS: its commands and its files, run as they stand but for paths and ports.
local C = require "cluster"
local t = require "testing"
C.required()

local futures = require "gilua.futures"
local signal = require "gilua.signal"
local tasks = require "tasks"

local which <close> = io.popen "command -v stunnel4 && command -v openssl"
local stunnel = which:read "l"
if not stunnel or not which:read "l" then
  print "ok - stunnel4 or openssl is not installed: nothing is asked of the recipe for TLS"
  os.exit(true)
end

local function blocks()
  local f <close> = assert(io.open(os.getenv "TEST_ROOT" .. "/docs/gearman.md"))
  local section, list = f:read("a"):match "### Encryption between hosts\n(.*)", {}
  for text in section:gmatch "\n```%a*\n(.-)```" do list[#list + 1] = text end
  assert(#list == 3, "the recipe has other blocks")
  return table.unpack(list)
end

local cluster = C.new()
local server = cluster:server()
local commands, server_file, client_file = blocks()
local secure, near, stranger = C.free_port(), C.free_port(), C.free_port()

-- Starts stunnel with a file of the manual, changed as `changes` says.
local function start(text, changes, port)
  for from, to in pairs(changes) do
    local n
    text, n = text:gsub(from, function() return to end)
    assert(n > 0, from)
  end
  local path = cluster:path "stunnel"
  local f = io.open(path, "w")
  f:write("foreground = yes\npid =\n", text)
  f:close()
  return cluster:background("stunnel", { stunnel, path }, path .. ".log", port)
end

t.test("the commands make the certificates", function()
  assert(os.execute(("cd '%s' && { set -e; %s } 2>openssl.log"):format(cluster.dir, commands)))
end)

start(server_file, { ["accept = 4731"] = "accept = 127.0.0.1:" .. secure, ["127.0.0.1:4730"] = server.address,
  ["/etc/stunnel/"] = cluster.dir .. "/" }, secure)
local client_changes = { ["127.0.0.1:4730"] = "127.0.0.1:" .. near, ["jobs1:4731"] = "127.0.0.1:" .. secure,
  ["/etc/stunnel/"] = cluster.dir .. "/" }
start(client_file, client_changes, near)

t.test("tasks and results go through TLS, also large ones", function()
  cluster:worker { servers = { "127.0.0.1:" .. near } }
  server:await_workers(1)
  local pool <close> = futures.GearmanExecutor { servers = { "127.0.0.1:" .. near } }
  t.equal(pool:submit(tasks.add, 1, 2):result(), 3)
  local big = ("x"):rep(1 << 20)
  t.equal(pool:submit(tasks.echo, big):result() == big, true)
end)

t.test("who has no certificate of the authority is not let in", function()
  client_changes["127.0.0.1:4730"] = "127.0.0.1:" .. stranger
  client_changes["cert = [^\n]*\n"] = ""
  client_changes["key = [^\n]*\n"] = ""
  start(client_file, client_changes, stranger)
  t.raises_kind("broken_pool", futures.GearmanExecutor, { servers = { "127.0.0.1:" .. stranger } })
end)

cluster:close()
t.finish()
