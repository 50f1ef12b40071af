-- Job servers that send what is no packet, packets that mean nothing, or damaged ones: executors and workers end what they do
-- with errors that say so, and go on.
local C = require "cluster"
local t = require "testing"
C.required()

t.find_system_modules()
if not pcall(require, "gilua.socket") then
  print "ok - LuaSocket is not installed: nobody speaks nonsense"
  os.exit(true)
end

local futures = require "gilua.futures"
local nonsense = require "nonsense"
local packet = nonsense.packet

t.may_keep.descriptors = 8 -- those of the threads that ended last

local function executor(server, options)
  local all = { servers = { server.address }, heartbeat = 20, server_timeout = 60 }
  for k, v in pairs(options or {}) do all[k] = v end
  return futures.GearmanExecutor(all)
end

-- A server that is awake, and answers a task by what make(unique, payload) says.
local function awake(make)
  return nonsense.server(function(send, kind, body, close)
    if kind == nonsense.ECHO then
      send(packet(17, body))
    elseif kind == nonsense.SUBMIT then
      local unique, payload = body:match "^[^\0]*\0([^\0]*)\0(.*)$"
      local bytes = make(unique, payload)
      send(bytes or "")
      if not bytes then close() end
    end
  end)
end

t.test("a server that greets with nonsense is none, and the error says what it sent", function()
  local greetings = {
    ["\1\2\3"] = "it sent what is no packet of Gearman's",
    [("x"):rep(600)] = "it sent what is no packet of Gearman's",
    ["\0REQ" .. packet(17, "gilua"):sub(5)] = "it sent what is no packet of Gearman's",
    [packet(255, "")] = "it sent a packet of a type that servers do not send",
    [packet(1, "gilua")] = "it sent a packet of a type that servers do not send",
    ["\0RES" .. (">I4I4"):pack(17, 0xffffffff)] = "it sent a packet that is too large",
    [packet(20, "handle", "1")] = "it sent a packet whose fields are damaged",
    [packet(10, "no field was expected")] = "it sent a packet whose fields are damaged",
    [packet(31, "handle", "queue", "unique", "task")] = "it sent what is meant for workers",
    [packet(8, "handle")] = "it accepted a job that it was not given",
  }
  for greeting, why in pairs(greetings) do
    local server <close> = nonsense.server(function(send) send(greeting) end)
    local e = t.raises_kind("broken_pool", executor, server)
    assert(tostring(e):find(why, 1, true), tostring(e))
  end
end)

t.test("one that hangs up, amid a packet or before, or says nothing is none, too", function()
  for _, bytes in ipairs { "", packet(17, "gilua"):sub(1, 3), packet(17, "gilua"):sub(1, 14) } do
    local server <close> = nonsense.server(function(send, _, _, close)
      send(bytes)
      close()
    end)
    local e = t.raises_kind("broken_pool", executor, server)
    assert(tostring(e):find("it hung up", 1, true) or tostring(e):find("reset", 1, true), tostring(e))
  end
  local server <close> = nonsense.server(function() end)
  local e = t.raises_kind("broken_pool", executor, server, { heartbeat = 0.1 })
  assert(tostring(e):find("it is silent", 1, true), tostring(e))
end)

-- A result as a worker writes it.
local function result(unique, fields)
  fields = fields or {}
  local head = (fields.magic or "gLr") .. string.char(fields.version or 1) .. (fields.kind or "r") .. string.char(fields.flags or 0)
  return head .. ("<I2I8I4I4s1"):pack(fields.name_size or 4, fields.ns or 0, 1, 9, fields.unique or unique) .. "host" ..
    (fields.body or require("gilua.pickle").dumps(true))
end

t.test("a result that is none, or damaged, fails its task and no other", function()
  local answers = {
    { "worker_died", function() return packet(14, "H:1") end },
    { "refused", function() return packet(25, "H:1", "some\1thing\200") end, "some%?thing%?" },
    { "worker_died", function() return packet(13, "H:1", "") end, "no result of gilua's" },
    { "worker_died", function() return packet(13, "H:1", "hello") end, "no result of gilua's" },
    { "worker_died", function() return packet(13, "H:1", "gLr\1r\0") end, "a damaged result" },
    { "refused", function(u) return packet(13, "H:1", result(u, { version = 2 })) end, "another version" },
    { "refused", function(u) return packet(13, "H:1", result(u, { flags = 1, body = ("s"):rep(64) })) end, "is signed" },
    { "worker_died", function(u) return packet(13, "H:1", result(u, { flags = 128 })) end, "a damaged result" },
    { "worker_died", function(u) return packet(13, "H:1", result(u, { kind = "z" })) end, "a damaged result" },
    { "worker_died", function(u) return packet(13, "H:1", result(u, { name_size = 0xffff })) end, "a damaged result" },
    { "worker_died", function(u) return packet(13, "H:1", result(u, { unique = "another" })) end, "the result of another" },
    { "pickle", function(u) return packet(13, "H:1", result(u, { body = "\255\255\255" })) end },
    { "pickle", function(u) return packet(13, "H:1", result(u, { body = "" })) end },
    { "worker_died", function(u) return packet(13, "H:1", result(u, { kind = "d" })) end, "signal 9" },
    { "task_timeout", function(u) return packet(13, "H:1", result(u, { kind = "t" })) end },
    { "refused", function(u) return packet(13, "H:1", result(u, { kind = "x", body = "because\0\1" })) end, "because%?%?" },
  }
  local n = 0
  local server <close> = awake(function(unique)
    n = n + 1
    return packet(8, "H:1") .. answers[n][2](unique)
  end)
  local pool <close> = executor(server)
  for i, answer in ipairs(answers) do
    local f = pool:submit("tasks:add", i, i)
    local e = t.raises_kind(answer[1], f.result, f)
    assert(tostring(e):find(answer[3] or ""), tostring(e))
  end
  t.equal(n, #answers)
end)

t.test("a job that the server refuses is refused; words about jobs of nobody are passed over", function()
  local server <close> = awake(function(unique)
    return packet(13, "H:2", result(unique)) .. packet(14, "H:3") .. packet(20, "H:4", "0", "0", "1", "1") .. "OK\r\n" ..
      packet(12, "H:5", "1", "2") .. packet(28, "H:6", "data") .. packet(19, "QUEUE_FULL", "no room") .. packet(19, "ERR", "")
  end)
  local pool <close> = executor(server)
  local f = pool:submit "tasks:add"
  local e = t.raises_kind("refused", f.result, f)
  assert(tostring(e):find "no room", tostring(e))
end)

t.test("a status that nobody asked for does not make a task overdue", function()
  local submitted
  local server <close> = nonsense.server(function(send, kind, body)
    if kind == nonsense.SUBMIT then
      submitted = body:match "^[^\0]*\0([^\0]*)\0"
      send(packet(8, "H:1") .. packet(20, "H:1", "1", "1", "0", "0"))
    elseif kind == nonsense.ECHO then -- at first, and when it was silent for so long
      send(packet(17, body) .. (submitted and packet(13, "H:1", result(submitted)) or ""))
    end
  end)
  local pool <close> = executor(server, { heartbeat = 2 })
  t.equal(pool:submit("tasks:add"):result(), true)
end)

t.test("a task at which every server is lost fails in the end", function()
  local answers = {
    { function() end, "hung up" },
    { function() return packet(8, "H:1") .. packet(8, "H:2") end, "accepted a job that it was not given" },
    { function() return packet(8, "a b") end, "a handle that is none" },
    { function() return packet(8, ("h"):rep(200)) end, "a handle that is none" },
    { function() return packet(8, "H:1") .. "\0RES\0" end },
  }
  answers[5] = { function() return packet(8, "H:1") .. "\0REX" end, "no packet of Gearman's" }
  local list = {}
  for i, answer in ipairs(answers) do
    local server = awake(answer[1])
    list[i] = { server = server, pool = executor(server) }
    list[i].future = list[i].pool:submit("tasks:add")
  end
  for i, held in ipairs(list) do
    local pool <close>, f = held.pool, held.future
    local e = t.raises_kind("worker_died", f.result, f)
    assert(tostring(e):find "50 times a job server was lost", tostring(e))
    held.pool:shutdown()
    local server <close> = held.server
    assert(tostring(e):find(answers[i][2], 1, true) or tostring(e):find("reset", 1, true), tostring(e))
  end
end)

t.test("a worker gives up a server that sends nonsense, connects again, and ends at SIGTERM", function()
  local said = {
    { "\1\2\3", "it sent what is no packet of Gearman's" },
    { packet(255, ""), "it sent a packet of a type that servers do not send" },
    { packet(31, "H:1", "q"), "it sent a packet whose fields are damaged" },
    { packet(31, "H:1", "q", "u", ""), "refused a task from %S+: the job is no task of gilua's" },
    { packet(31, ("h"):rep(300), "q", ("u"):rep(300), "gLq\2"), "refused a task from %S+: the task comes in another version" },
    { packet(31, "H:1", "q", "u", "gLq\1n\0" .. ("\255"):rep(40)), "refused a task from %S+: the task is damaged" },
  }
  local n = 0
  local server <close> = nonsense.server(function(send, kind)
    if kind ~= nonsense.GRAB then return end
    n = n % #said + 1
    send(said[n][1])
  end)
  local cluster <close> = C.new()
  local worker = cluster:worker { servers = { server.address } }
  for _, what in ipairs(said) do worker:await_log(what[2]) end
  worker:kill "SIGTERM"
  worker:await_end()
  assert(worker:log():find "ended\n$" and not worker:log():find "process %d+ failed", worker:log())
end)

t.test("a worker says once that a server hangs up, however often it tries again, and that it answers at last", function()
  local tries, well = 0, false
  local server <close> = nonsense.server(function(send, kind, _, close)
    if kind ~= nonsense.GRAB then return end
    tries = tries + 1
    if well then send(packet(10)) else close() end
  end)
  local cluster <close> = C.new()
  local worker = cluster:worker { servers = { server.address } }
  t.eventually(function() return tries >= 4 end, "four connections")
  well = true
  worker:await_log "connected again"
  local lost = 0
  for line in worker:log():gmatch "[^\n]+" do
    if line:find "hung up" or line:find "reset" then lost = lost + 1 end
  end
  t.near(lost, 1, 2)
  t.equal(select(2, worker:log():gsub("connected again", "")), 1)
end)

t.test("a task with a limit of more time than there is runs without one", function()
  local args = require("gilua.pickle").dumps { false, 1, 2 }
  local answered
  local server <close> = nonsense.server(function(send, kind, body)
    if kind == nonsense.GRAB and not answered then
      local task = "gLq\1n\0" .. ("<I2I4I4"):pack(9, 50404, 0) .. ("\255"):rep(8) .. ("<s1"):pack "u" .. "tasks:add" .. args
      send(packet(31, "H:1", "q", "u", task))
    elseif kind == 13 then
      answered = body
    elseif kind == nonsense.GRAB then
      send(packet(10))
    end
  end)
  local cluster <close> = C.new()
  local worker = cluster:worker { servers = { server.address } }
  t.eventually(function() return answered end, "an answer")
  assert(answered:find("gLr", 1, true) and not worker:log():find "failed", worker:log())
end)

t.test("a worker tells the error that a server gives it for an answer", function()
  local server <close> = nonsense.server(function(send, kind)
    if kind == nonsense.GRAB then send(packet(19, "unknown_command", "no such\27 request")) end
  end)
  local cluster <close> = C.new()
  local worker = cluster:worker { servers = { server.address } }
  worker:await_log "it answers with the error 'no such"
  assert(not worker:log():find "\27")
  worker:kill "SIGTERM"
  worker:await_end()
end)

t.test("a server that says something else for ever is given up by a worker, which SIGTERM ends", function()
  local server <close> = nonsense.server(function(send, kind)
    if kind == nonsense.GRAB then while send(packet(6)) do end end
  end)
  local cluster <close> = C.new()
  local worker = cluster:worker { servers = { server.address } }
  worker:await_log "it does not answer"
  worker:kill "SIGTERM"
  worker:await_end()
end)

t.finish()
