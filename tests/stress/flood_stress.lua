-- scripts/echo_server.lua under clients that behave: lines that come back, half-closes, slow readers; and some that do not: resets,
-- cancels, silence. The server is stopped and continued meanwhile. Nobody who behaves loses a line, and it ends when it is told to.
local t = require "testing"

if arg[1] ~= "inner" then -- again, with room for the descriptors
  local text, status = t.run({ arg[0], "inner", table.unpack(arg) }, { before = "ulimit -n 4096;" })
  io.write(text, "\n")
  os.exit(status == 0)
end

local threading = require "gilua.threading"
t.find_system_modules()
local found, socket = pcall(require, "gilua.socket")
if not found then
  print "1..0 # SKIP there is no LuaSocket"
  os.exit(true)
end
t.limit = 120
local clients, rounds = t.hostile and 50 or 500, t.hostile and 2 or 4
local seed = tonumber(arg[2]) or tonumber(os.getenv "TEST_RANDOM_SEED") or 1
local environment = string.format("LUA_PATH='%s' LUA_CPATH='%s'", package.path, package.cpath)

local function start(...)
  local p = assert(io.popen(("echo $$; %s exec '%s' scripts/echo_server.lua %s 2>&1 </dev/null"):format(environment,
    os.getenv "GILUA", table.concat({ ... }, " "))))
  local pid = p:read "l"
  return p, pid, tonumber(p:read "l":match "^echo server on 127%.0%.0%.1:(%d+)")
end

local function line_of(client, round, i) return ("%d %d %d %s"):format(client, round, i, ("x"):rep((client * 7 + i * 13) % 200)) end

-- What a client does in a round; each returns how many lines it has got back, or nothing where that means nothing.
local acts = {}
function acts.talk(c, client, round)
  for i = 1, 5 do
    assert(c:send(line_of(client, round, i) .. "\n"))
    t.equal(c:receive(), line_of(client, round, i))
  end
  return 5
end
function acts.half_close(c, client, round)
  local lines = {}
  for i = 1, 20 do lines[i] = line_of(client, round, i) .. "\n" end
  assert(c:send(table.concat(lines)))
  c:shutdown "send"
  t.equal(c:receive "*a", table.concat(lines))
  return 20
end
function acts.read_slowly(c, client, round)
  local lines = {}
  for i = 1, 100 do lines[i] = line_of(client, round, i) .. "\n" end
  local all, got = table.concat(lines), ""
  assert(c:send(all))
  while #got < #all do got = got .. assert(c:receive(math.min(17 + client % 400, #all - #got))) end
  t.equal(got, all)
  return 100
end
function acts.reset(c, client, round)
  c:send(line_of(client, round, 1) .. "\n" .. line_of(client, round, 2))
  c:setoption("linger", { on = true, timeout = 0 })
end
function acts.be_cancelled(c)
  local reader = threading.Thread { target = function() pcall(c.receive, c) end }
  reader:start()
  reader:cancel()
  reader:join()
end
function acts.leave() end
local names = { "talk", "half_close", "read_slowly", "reset", "be_cancelled", "leave" }

t.test(("%d clients at random (seed %d), and a server that is stopped at times: no line is lost"):format(clients, seed), function()
  local server, pid, port = start(0)
  math.randomseed(seed)
  local plan = {}
  for client = 1, clients do
    plan[client] = {}
    for round = 1, rounds do plan[client][round] = names[math.random(#names)] end
  end
  local stops = io.popen(("for i in 1 2 3 4 5 6 7 8; do kill -STOP %s; sleep 0.05; kill -CONT %s; sleep 0.1; done"):format(pid, pid))
  local threads = t.start(clients, function(client)
    local lines = 0
    for round = 1, rounds do
      local c = assert(socket.connect("127.0.0.1", port))
      lines = lines + (acts[plan[client][round]](c, client, round) or 0)
      c:close()
    end
    return lines
  end)
  for _, thread in ipairs(threads) do t.equal(math.type(thread:result()), "integer") end
  stops:close()
  local last_one = assert(socket.connect("127.0.0.1", port)) -- once it talks, all others have been accepted
  acts.talk(last_one, 0, 0)
  last_one:close()
  assert(os.execute("kill -TERM " .. pid))
  local last = server:read "a"
  t.equal(last:match(("\n%d connections, %%d+ lines\n$"):format(clients * rounds + 1)) ~= nil, true, last)
  t.equal(select(3, server:close()), 0)
end)

t.test("the server refuses beyond its limit, and gives silent clients up", function()
  local server, pid, port = start(0, "127.0.0.1", 3, 3)
  local c = {}
  for i = 1, 3 do
    c[i] = assert(socket.connect("127.0.0.1", port))
    c[i]:send "here\n"
    t.equal(c[i]:receive(), "here")
  end
  local refused = assert(socket.connect("127.0.0.1", port))
  t.equal(select(2, refused:receive()), "closed")
  for i = 1, 3 do t.equal(select(2, c[i]:receive()), "closed") end
  t.eventually(function()
    local new = socket.connect("127.0.0.1", port)
    new:send "again\n"
    return new:receive() == "again"
  end, "a place")
  assert(os.execute("kill -TERM " .. pid))
  t.equal(server:read "a":match "connections, %d+ lines, %d+ refused\n$" ~= nil, true)
  t.equal(select(3, server:close()), 0)
end)

t.test("the server answers what was sent before SIGTERM", function()
  local server, pid, port = start(0)
  local c = assert(socket.connect("127.0.0.1", port))
  c:send "one\ntwo\nthree\n"
  t.equal(c:receive(), "one")
  assert(os.execute("kill -TERM " .. pid))
  t.equal(c:receive(), "two")
  t.equal(c:receive(), "three")
  t.equal(select(2, c:receive()), "closed")
  t.equal(server:read "a":match "1 connections, 3 lines\n$" ~= nil, true)
  t.equal(select(3, server:close()), 0)
end)

t.finish()
