-- The secret that executors and workers share: what it allows, and what is refused without it.
local C = require "cluster"
local t = require "testing"
C.required()

local gilua = require "gilua"
local tasks = require "tasks"
local secret, other = "a secret of enough bytes", "another secret of the same kind"

local cluster = C.new()
local server = cluster:server()

-- The file may be read by nobody else, as a deployer would have it.
local function token_file(text)
  local path = cluster:path "token"
  local f <close> = io.open(path, "w")
  f:write(text)
  return path
end

local plain = cluster:worker { "--queue", "plain" }
local trusting = cluster:worker { "--queue", "trusting", "--token-file", token_file(secret .. "\n"), require = false }
server:await_workers(1, "plain")
server:await_workers(1, "trusting")

local function executor(queue, token) return cluster:executor { queue = queue, token = token } end

t.test("with the same token a task brings its function along, and what it captures", function()
  local pool <close> = executor("trusting", secret)
  local factor = 7
  local function times(x) return x * factor end
  t.equal(pool:submit(times, 6):result(), 42)
  t.equal(pool:submit(function(list) return #list, times(list[1]) end, { 1, 2, 3 }):result(), 3)
  local sum = 0
  for r in pool:map(function(x) return times(x) end, { 1, 2, 3 }) do sum = sum + r end
  t.equal(sum, 42)
end)

t.test("functions and classes of the globals are the program's, whatever a worker has under their names", function()
  local pool <close> = executor("trusting", secret)
  local define = load [[
    local whose = ...
    function global_function() return whose end
    GlobalClass = { get = global_function }
    GlobalClass.__index = GlobalClass
  ]]
  pool:submit(define, "the worker's"):result() -- it has one process
  define "the program's"
  local f, object = global_function, setmetatable({}, GlobalClass)
  t.equal(pool:submit(f):result(), "the program's")
  t.equal(pool:submit(function() return f() end):result(), "the program's")
  t.equal(pool:submit(function(o) return o:get() end, object):result(), "the program's")
  t.equal(pool:submit(function() return global_function() end):result(), "the worker's")
  global_function, GlobalClass = nil, nil
end)

t.test("functions come back, too, and errors of functions that were sent have a traceback", function()
  local pool <close> = executor("trusting", secret)
  local f = pool:submit(function() return function(x) return x + 1 end end):result()
  t.equal(f(1), 2)
  local e = t.raises("token_test.lua:%d+: gone wrong", function()
    return pool:submit(function() error "gone wrong" end):result()
  end)
  assert(gilua.traceback_of(e):find "token_test.lua")
end)

t.test("with a token a module that was not named is required when a task asks for it", function()
  local pool <close> = executor("trusting", secret)
  t.equal(pool:submit("tasks:add", 1, 2):result(), 3)
  t.equal(pool:submit(tasks.add, 3, 4):result(), 7)
end)

t.test("with a token a module that only the worker has loaded is required when a result names it", function()
  local pool <close> = executor("trusting", secret)
  package.loaded.tasks = nil
  local add = pool:submit(function() return require("tasks").add end):result()
  t.equal(add, package.loaded.tasks.add)
  package.loaded.tasks = tasks
end)

t.test("a worker with a token refuses what is not signed with it, and says so in its log", function()
  local unsigned <close> = executor("trusting")
  local e = t.raises_kind("refused", function() return unsigned:submit("tasks:add", 1, 2):result() end)
  assert(tostring(e):find "not signed, and this worker has a token", tostring(e))
  trusting:await_log "refused a task from %S+: the task is not signed, and"
  local wrong <close> = executor("trusting", other)
  e = t.raises_kind("refused", function() return wrong:submit("tasks:add", 1, 2):result() end)
  assert(tostring(e):find "not signed with this worker's token", tostring(e))
  trusting:await_log "refused a task from %S+: the task is not signed with"
end)

t.test("a worker without a token refuses signed tasks", function()
  local pool <close> = executor("plain", secret)
  local e = t.raises_kind("refused", function() return pool:submit("tasks:add", 1, 2):result() end)
  assert(tostring(e):find "started without a token", tostring(e))
  t.raises_kind("refused", function() return pool:submit(function() return 1 end):result() end)
end)

t.test("arguments with functions are refused without a token", function()
  local pool <close> = executor("plain")
  t.raises_kind("pickle", function() return pool:submit(tasks.echo, function() return 1 end):result() end)
  t.equal(pool:submit(tasks.add, 1, 2):result(), 3)
end)

t.test("the token may stand in the environment", function()
  local worker = cluster:worker { "--queue", "environment", environment = "GILUA_TOKEN='" .. secret .. "'" }
  server:await_workers(1, "environment")
  local pool <close> = executor("environment", secret)
  t.equal(pool:submit(function() return 5 end):result(), 5)
end)

t.test("a token that is too short is an error of the executor and of the worker", function()
  t.raises("16 to 1024 bytes", executor, "plain", "short")
  local text, status = t.run { "worker", "--gearman", server.address, "--token-file", token_file "short" }
  assert(text:find "16 to 1024 bytes", text)
  t.equal(status, 1)
end)

local sha256 = require("gilua.native").sha256

-- HMAC-SHA256, by its definition.
local function hmac(key, text)
  key = key .. ("\0"):rep(64 - #key)
  local function pad(byte) return (key:gsub(".", function(c) return string.char(c:byte() ~ byte) end)) end
  return sha256(pad(0x5c) .. sha256(pad(0x36) .. text, true), true)
end

local submitted = 0

-- Gives a server bytes as a job's payload, as others may: make(unique) makes them. Returns when there is an answer.
local function submit_bytes(queue, make)
  submitted = submitted + 1
  local unique = "unique-" .. submitted
  local rest = queue .. "\0" .. unique .. "\0" .. make(unique)
  local path = cluster:path "payload"
  local f = io.open(path, "wb")
  f:write("\0REQ", (">I4I4"):pack(7, #rest), rest)
  f:close()
  local command = "timeout 20 bash -c 'exec 3<>/dev/tcp/127.0.0.1/%d; cat %s >&3; head -c 80 <&3 >/dev/null'"
  os.execute(command:format(server.port, path))
end

-- A signed task with the function in its body, as an executor on that release of Lua would send it.
local function signed_task(unique, release)
  local head = "gLq\1v\1" .. ("<I2I4I4I8s1"):pack(0, release, 0, 0, unique)
  local pickle = require "gilua.pickle"
  local task = head .. pickle.dumps(true)
  return task .. hmac(secret, task)
end

t.test("what is no task, a damaged one, or one of another version is refused, and the worker goes on", function()
  submit_bytes("plain", function() return "hello" end)
  plain:await_log "refused a task from %S+: the job is no task of gilua's"
  submit_bytes("plain", function() return "gLq\1n" end)
  plain:await_log "refused a task from %S+: the task is damaged"
  submit_bytes("plain", function() return "gLq\2n\0" .. ("\0"):rep(40) end)
  plain:await_log "refused a task from %S+: the task comes in another version"
  local pool <close> = executor "plain"
  t.equal(pool:submit(tasks.add, 1, 2):result(), 3)
end)

t.test("names that others made up are shown without orders for the terminal, in one line", function()
  local pool <close> = executor "plain"
  for _, name in ipairs { "tasks:no\27[2J\ngilua worker 1 ends now", "no\27[2J\ngilua worker 1 ends now:f" } do
    t.raises_kind("refused", function() pool:submit(name):result() end)
  end
  plain:await_log "refused a task from %S+: this worker was not started with %-%-require no\u{FFFD}%[2J\u{FFFD}gilua worker 1 ends now"
  plain:await_log "refused a task from %S+: module 'tasks' has no function 'no\u{FFFD}%[2J\u{FFFD}gilua worker 1 ends now'"
end)

t.test("a task with bytecode of another release of Lua is refused before it is loaded", function()
  submit_bytes("trusting", function(unique) return signed_task(unique, 50300) end)
  trusting:await_log "refused a task from %S+: the task brings bytecode of Lua 5.3.0"
end)

t.test("a signed task that was changed, or sent under another name, is refused", function()
  local function refusals(pattern) return select(2, trusting:log():gsub(pattern, "")) end
  local before = refusals "not signed with this worker's token"
  submit_bytes("trusting", function(unique) return (signed_task(unique, 50400):gsub("^(........).", "%1\1")) end)
  t.eventually(function() return refusals "not signed with this worker's token" == before + 1 end, "the refusal")
  submit_bytes("trusting", function() return signed_task("another", 50400) end)
  trusting:await_log "refused a task from %S+: the task was sent under the name of another"
end)

cluster:close()
t.finish()
