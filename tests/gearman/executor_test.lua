-- GearmanExecutor and `gilua worker` where nothing fails: results, errors, names, maps, options.
local C = require "cluster"
local t = require "testing"
C.required()

local futures = require "gilua.futures"
local gilua = require "gilua"
local tasks = require "tasks"

local cluster = C.new()
local server = cluster:server()
local worker = cluster:worker { processes = 2 }
server:await_workers(2)

t.test("a function of a module that the worker requires is called there", function()
  local pool <close> = cluster:executor()
  local here = require("gilua.multiprocessing").current_process().pid
  t.equal(pool:submit(tasks.add, 1, 2):result(), 3)
  t.equal(pool:submit("tasks:add", 3, 4):result(), 7)
  assert(pool:submit(tasks.pid):result() ~= here)
end)

t.test("all results of a call come back, nils too", function()
  local pool <close> = cluster:executor()
  local r = table.pack(pool:submit(tasks.echo, 1, nil, "three", { 4 }, nil):result())
  t.equal(r.n, 5)
  t.equal(r[3], "three")
  t.equal(r[4][1], 4)
  t.equal(select("#", pool:submit(tasks.echo):result()), 0)
end)

t.test("an error comes back as the value that it was, with the worker's traceback", function()
  local pool <close> = cluster:executor()
  local e = t.raises("tasks.lua:%d+: failed with x", function() return pool:submit(tasks.fail, "x"):result() end)
  assert(gilua.traceback_of(e):find("tasks.fail", 1, true), gilua.traceback_of(e))
  e = pool:submit(tasks.fail_with, { code = 7 }):exception()
  t.equal(e.code, 7)
end)

t.test("a result that cannot travel fails its task alone", function()
  local pool <close> = cluster:executor()
  t.raises_kind("pickle", function() return pool:submit(tasks.unsendable):result() end)
  t.equal(pool:submit(tasks.add, 1, 1):result(), 2)
end)

t.test("an argument that cannot travel is refused by submit, with the path to it", function()
  local pool <close> = cluster:executor()
  local e = t.raises_kind("pickle", pool.submit, pool, tasks.echo, { a = coroutine.create(print) })
  assert(e.path:find("args[1].a", 1, true), e.path)
end)

t.test("a function that has no name in a module is refused by submit", function()
  local pool <close> = cluster:executor()
  t.raises_kind("pickle", pool.submit, pool, function() end)
  t.raises_kind("pickle", pool.submit, pool, "no name")
  t.raises("function expected, got number", pool.submit, pool, 3)
end)

t.test("a name outside of the modules that the worker was started with is refused there, and logged", function()
  local pool <close> = cluster:executor()
  t.raises_kind("refused", function() return pool:submit("os:getenv", "HOME"):result() end)
  t.raises_kind("refused", function() return pool:submit(os.getenv, "HOME"):result() end)
  t.raises_kind("refused", function() return pool:submit("tasks:nothing"):result() end)
  t.raises_kind("refused", function() return pool:submit("tasks:count"):result() end)
end)

t.test("map gives results in order and raises an error at its place", function()
  local pool <close> = cluster:executor()
  local list, sum = {}, 0
  for i = 1, 300 do list[i] = i end
  local k = 0
  for r in pool:map(tasks.add, list, list) do
    k = k + 1
    t.equal(r, 2 * k)
  end
  t.equal(k, 300)
  for r in pool:map("tasks:add", list, list, { chunksize = 7 }) do sum = sum + r end
  t.equal(sum, 300 * 301)
  local good = 0
  t.raises("failed with 1", function()
    for _ in pool:map(tasks.fail, { 1, 2 }) do good = good + 1 end
  end)
  t.equal(good, 0)
end)

t.test("wait, as_completed, callbacks and counters work as for other executors", function()
  local pool <close> = cluster:executor()
  local list, called = {}, {}
  for i = 1, 20 do
    list[i] = pool:submit(tasks.add, i, i)
    list[i]:add_done_callback(function(f) called[f:result()] = true end)
  end
  local done, open = futures.wait(list)
  t.equal(#done, 20)
  t.equal(#open, 0)
  local sum = 0
  for f in futures.as_completed(list) do sum = sum + f:result() end
  t.equal(sum, 420)
  t.eventually(function()
    for i = 1, 20 do if not called[2 * i] then return false end end
    return true
  end, "the callbacks")
  local found
  for _, p in ipairs(require("gilua.gil").stats().pools) do
    if p.kind == "gearman" and not p.ended then found = p end
  end
  t.equal(found.submitted, 20)
  t.equal(found.finished, 20)
  t.equal(found.workers[1].name, server.address)
  t.equal(found.workers[1].tasks, 20)
end)

t.test("each task has a key of its own", function()
  local pool <close> = cluster:executor()
  local seen = {}
  t.equal(futures.task_key(), nil)
  for _ = 1, 10 do
    local key = pool:submit(tasks.key):result()
    assert(not seen[key])
    seen[key] = true
  end
end)

t.test("threads wait for results side by side", function()
  local pool <close> = cluster:executor()
  t.join(t.start(4, function(i)
    for k = 1, 25 do t.equal(pool:submit(tasks.add, i, k):result(), i + k) end
  end))
end)

t.test("large values go there and back", function()
  local pool <close> = cluster:executor()
  for _, size in ipairs { 1 << 16, (1 << 20) + 1, 5 << 20 } do
    local big = ("0123456789abcdef"):rep(size // 16 + 1):sub(1, size)
    t.equal(pool:submit(tasks.echo, big):result() == big, true)
  end
end)

t.test("a task over max_payload is refused by submit, a result over the worker's limit fails its task", function()
  local pool <close> = cluster:executor { max_payload = 100000 }
  t.raises_kind("pickle", pool.submit, pool, tasks.echo, ("x"):rep(100000))
  t.equal(#pool:submit(tasks.echo, ("x"):rep(90000)):result(), 90000)
end)

t.test("wrong options are named", function()
  local E = futures.GearmanExecutor
  t.raises("field 'servers'", E, {})
  t.raises("field 'servers'", E, { servers = {} })
  t.raises("field 'servers'", E, { servers = { 4730 } })
  t.raises("host:port", E, { servers = { "127.0.0.1:x" } })
  t.raises("field 'queue'", E, { servers = { server.address }, queue = "a b" })
  t.raises("field 'token'", E, { servers = { server.address }, token = "short" })
  t.raises("unknown field 'server'", E, { server = { server.address } })
end)

t.test("an executor that is shut down takes no tasks, and has done those it had", function()
  local pool = cluster:executor()
  local f = pool:submit(tasks.add, 1, 2)
  pool:shutdown()
  t.equal(f:result(0), 3)
  t.raises_kind("invalid_state", pool.submit, pool, tasks.add, 1, 2)
end)

t.test("an executor that was dropped does what it was given", function()
  local path = cluster:path "note"
  do
    local pool = cluster:executor()
    pool:submit(tasks.note, path, "done")
  end
  collectgarbage()
  t.eventually(function()
    local f <close> = io.open(path)
    return f and f:read "l" == "done"
  end, "the task")
end)

t.test("a program ends when the tasks of its executors have ended", function()
  local path = cluster:path "note"
  local text, status = t.run { "-e", ([[
    require("gilua.futures").GearmanExecutor{ servers = {"%s"} }:submit("tasks:note", "%s", "done")
    collectgarbage()
  ]]):format(server.address, path) }
  t.equal(text, "")
  t.equal(status, 0)
  local f <close> = io.open(path)
  t.equal(f:read "l", "done")
end)

t.test("a daemon makes and drops executors while the program waits for those that it dropped", function()
  local text, status = t.run { "-e", ([[
    local futures, threading = require "gilua.futures", require "gilua.threading"
    local options = { servers = {"%s"} }
    for _ = 1, 3 do futures.GearmanExecutor(options):submit("tasks:add", 1, 2) end
    local made = threading.Event()
    local function make()
      futures.GearmanExecutor(options):submit("tasks:add", 1, 2)
      collectgarbage()
    end
    threading.Thread{ daemon = true, target = function()
      local ok, e
      repeat
        ok, e = pcall(make)
        made:set()
      until not ok -- the end of the program ends them
      if require("gilua").is_error(e, "broken_pool") then print(e) end
    end }:start()
    made:wait()
  ]]):format(server.address) }
  t.equal(text, "")
  t.equal(status, 0)
end)

t.test("nobody is there: the constructor says for which server and why", function()
  local e = t.raises_kind("broken_pool", futures.GearmanExecutor, { servers = { "127.0.0.1:1", "127.0.0.1:2" } })
  assert(tostring(e):find("127.0.0.1:1: Connection refused; 127.0.0.1:2: Connection refused", 1, true), tostring(e))
end)

t.test("SIGTERM ends a worker after the task that runs", function()
  local second = cluster:worker()
  server:await_workers(3)
  local pool <close> = cluster:executor()
  local gate <close> = cluster:gate()
  local list = {}
  for i = 1, 3 do list[i] = pool:submit(tasks.pass, gate.path, i) end
  gate:await(3)
  second:kill "SIGTERM"
  second:await_log "SIGTERM: ends when"
  t.equal(second:ended(), false)
  gate:open()
  for i = 1, 3 do t.equal(list[i]:result(), i) end
  second:await_end()
  assert(second:log():find "ended\n$", second:log())
end)

t.test("the worker logged what it refused and nothing else", function()
  local n = 0
  for line in worker:log():gmatch "[^\n]+" do
    if line:find "refused a task" then n = n + 1 end
  end
  assert(n >= 4, worker:log())
end)

cluster:close()
t.finish()
