-- What has begun, and what is cancelled before: futures of a GearmanExecutor know it by asking the server.
local C = require "cluster"
local t = require "testing"
C.required()

local tasks = require "tasks"

local cluster = C.new()
local server = cluster:server()
cluster:worker()
server:await_workers(1)

-- An executor and a gate with one task before it: nothing else runs until it is opened.
local function held(options)
  local pool, gate = cluster:executor(options), cluster:gate()
  local first = pool:submit(tasks.pass, gate.path, "held")
  gate:await()
  return pool, gate, first
end

-- Waits until the server has so many jobs that somebody wants; those that were cancelled go when a worker asks.
local function await_jobs(n)
  t.eventually(function()
    local wanted = 0
    for _, job in ipairs(server:jobs()) do wanted = wanted + (job.unwanted and 0 or 1) end
    return wanted == n
  end, n .. " jobs at the server")
end

t.test("running tells of a task that a worker has begun, once the server was asked", function()
  local pool, gate, first = held()
  local pool <close> = pool
  local gate <close> = gate
  local second = pool:submit(tasks.add, 1, 2)
  t.eventually(function() return first:running() end, "the first to run")
  assert(tostring(first):find "^Future%(running%)", tostring(first))
  t.equal(second:running(), false)
  await_jobs(2)
  for _ = 1, 100 do t.equal(second:running(), false) end
  gate:open()
  t.equal(second:result(), 3)
  t.equal(first:running(), false)
  t.equal(second:running(), false)
end)

t.test("a task that has a task_timeout is known to run without being asked for", function()
  local pool, gate, first = held { task_timeout = 100 }
  local pool <close> = pool
  local gate <close> = gate
  t.eventually(function() return first:running() end, "the first to run")
  gate:open()
  t.equal(first:result(), "held")
end)

t.test("a task whose worker was killed runs no more, until another has begun it", function()
  local other <close> = C.new()
  local own = other:server()
  local worker = other:worker()
  own:await_workers(1)
  local pool <close> = other:executor()
  local gate <close> = other:gate()
  local f = pool:submit(tasks.pass, gate.path, "done")
  gate:await()
  t.eventually(function() return f:running() end, "it to run")
  worker:kill()
  t.eventually(function() return not f:running() end, "it to wait")
  other:worker()
  t.eventually(function() return f:running() end, "it to run again")
  gate:open()
  t.equal(f:result(), "done")
end)

t.test("shutdown{cancel_futures = true} lets what has begun end, and cancels the rest, none of which is begun", function()
  local pool, gate <close>, first = held()
  local list = {}
  for i = 1, 100 do list[i] = pool:submit(tasks.pass, gate.path, i) end
  await_jobs(101)
  pool:shutdown { wait = false, cancel_futures = true }
  for i = 1, 100 do t.raises_kind("cancelled", list[i].result, list[i]) end
  t.equal(first:done(), false)
  await_jobs(1)
  gate:open()
  pool:shutdown()
  t.equal(first:result(0), "held")
  t.equal(#gate:there(), 1)
end)

t.test("what its server lost while the rest is cancelled is cancelled, too", function()
  local other <close> = C.new()
  local own = other:server()
  local pool = other:executor { heartbeat = 0.1 }
  own:freeze()
  local f = pool:submit(tasks.add, 1, 2)
  pool:shutdown { cancel_futures = true }
  t.equal(f:cancelled(), true)
end)

t.test("a map that is given up cancels what no worker has begun", function()
  local pool, gate, first = held()
  local pool <close> = pool
  local gate <close> = gate
  do
    local function gates() return gate.path end
    local _, _, _, map <close> = pool:map(tasks.pass, gates, gates, { buffersize = 20, chunksize = 1 })
    await_jobs(21)
  end
  await_jobs(1)
  gate:open()
  t.equal(first:result(), "held")
  t.equal(#gate:there(), 1)
end)

cluster:close()
t.finish()
