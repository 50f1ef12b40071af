-- What goes wrong on the way of a task, and what its future says then: deaths and stops of processes, workers, servers,
-- clients.
local C = require "cluster"
local t = require "testing"
C.required()

local signal = require "gilua.signal"
local tasks = require "tasks"

-- A cluster with one server and workers of so many processes.
local function small(processes, options)
  local cluster = C.new()
  local server = cluster:server(options)
  local worker = cluster:worker { processes = processes }
  server:await_workers(processes)
  return cluster, server, worker
end

t.test("a task whose process is killed is the one that fails, with the signal", function()
  local cluster, server <const> = small(2)
  local cluster <close> = cluster
  local pool <close> = cluster:executor()
  local gate <close> = cluster:gate()
  local held = pool:submit(tasks.pass, gate.path, "held")
  gate:await()
  local e = t.raises_kind("worker_died", function() return pool:submit(tasks.die):result() end)
  t.equal(e.signal, 9)
  gate:open()
  t.equal(held:result(), "held")
  t.equal(pool:submit(tasks.add, 1, 2):result(), 3)
end)

t.test("a process that leaves amid a task fails it with its exit status", function()
  local cluster <close> = small(1)
  local pool <close> = cluster:executor()
  local e = t.raises_kind("worker_died", function() return pool:submit(tasks.leave, 7):result() end)
  t.equal(e.exitcode, 7)
  t.equal(pool:submit(tasks.add, 1, 2):result(), 3)
end)

t.test("a task is done again as often as retries says, then it fails; without --job-retries, too", function()
  local cluster <close> = small(2, {})
  local pool <close> = cluster:executor { retries = 2 }
  local gate <close> = cluster:gate()
  t.raises_kind("worker_died", function() return pool:submit(tasks.die_unless, gate.path):result() end)
  t.equal(#gate:there(), 3)
end)

t.test("a task that killed a process is not begun by another before the death is counted", function()
  local cluster <close>, _, worker = small(2)
  local pool <close> = cluster:executor()
  local gate <close> = cluster:gate()
  worker:freeze() -- it is what counts
  local _ <close> = setmetatable({}, { __close = function() worker:thaw() end })
  local f = pool:submit(tasks.die_unless, gate.path)
  local pid = gate:await()[1]
  t.eventually(function() return not C.alive(pid) end, "the process to die")
  require("gilua.time").sleep(2.2) -- a process that lives would not be waited for longer
  t.equal(#gate:there(), 1)
  worker:thaw()
  t.raises_kind("worker_died", f.result, f)
  t.equal(#gate:there(), 1)
end)

t.test("a task that is done again succeeds if its process lives this time", function()
  local cluster <close> = small(1)
  local pool <close> = cluster:executor { retries = 100 }
  local gate <close> = cluster:gate()
  local f = pool:submit(tasks.die_unless, gate.path, "alive")
  gate:await(2)
  gate:open()
  t.equal(f:result(), "alive")
end)

t.test("what a killed worker held is done by another, under the same key", function()
  local cluster <close>, server, first = small(2)
  local second = cluster:worker()
  server:await_workers(3)
  local pool <close> = cluster:executor()
  local gate <close> = cluster:gate()
  local list = {}
  for i = 1, 3 do list[i] = pool:submit(tasks.pass, gate.path, i) end
  gate:await(3)
  first:kill()
  server:await_workers(1)
  gate:open()
  for i = 1, 3 do t.equal(list[i]:result(), i) end
  t.equal(second:ended(), false)
end)

t.test("the processes of a killed worker end", function()
  local cluster <close>, server, worker = small(2)
  local pool <close> = cluster:executor()
  local pid = pool:submit(tasks.pid):result()
  worker:kill()
  server:await_workers(0)
  t.eventually(function() return not C.alive(pid) end, "the process to end")
end)

t.test("what a killed server held goes to another one", function()
  local cluster <close> = C.new()
  local first, second = cluster:server(), cluster:server()
  cluster:worker { processes = 2 }
  first:await_workers(2)
  second:await_workers(2)
  local pool <close> = cluster:executor()
  local gate <close> = cluster:gate()
  local list = {}
  for i = 1, 20 do list[i] = pool:submit(tasks.pass, gate.path, i) end
  gate:await(2)
  first:kill()
  gate:open()
  for i = 1, 20 do t.equal(list[i]:result(), i) end
  for i = 1, 20 do t.equal(pool:submit(tasks.add, i, i):result(), 2 * i) end
end)

t.test("a server that is started again gets its tasks and workers back", function()
  local cluster <close>, server = small(1)
  local pool <close> = cluster:executor()
  local gate <close> = cluster:gate()
  local list = {}
  for i = 1, 5 do list[i] = pool:submit(tasks.pass, gate.path, i) end
  gate:await()
  server:kill()
  server:await_end()
  server:start()
  gate:open()
  for i = 1, 5 do t.equal(list[i]:result(), i) end
  server:await_workers(1)
end)

t.test("with no server for server_timeout everything fails with broken_pool, and submit says why", function()
  local cluster <close>, server = small(1)
  local pool <close> = cluster:executor { server_timeout = 0.3 }
  local gate <close> = cluster:gate()
  local f, g = pool:submit(tasks.pass, gate.path), pool:submit(tasks.pass, gate.path)
  gate:await()
  server:kill()
  server:await_end()
  t.raises_kind("broken_pool", function() return f:result() end)
  t.raises_kind("broken_pool", function() return g:result() end)
  local e = t.raises_kind("broken_pool", pool.submit, pool, tasks.add, 1, 2)
  assert(tostring(e):find(server.address, 1, true), tostring(e))
  gate:open()
end)

t.test("a frozen server is found by its silence; its tasks are done by way of another", function()
  local cluster <close> = C.new()
  local first = cluster:server()
  cluster:worker { processes = 2, servers = { first.address } }
  first:await_workers(2)
  local second = cluster:server()
  cluster:worker { processes = 2, servers = { second.address } }
  second:await_workers(2)
  local pool <close> = cluster:executor { heartbeat = 0.2 }
  first:freeze()
  local list = {}
  for i = 1, 10 do list[i] = pool:submit(tasks.add, i, i) end
  for i = 1, 10 do t.equal(list[i]:result(), 2 * i) end
  first:thaw()
  for i = 1, 10 do t.equal(pool:submit(tasks.add, i, i):result(), 2 * i) end
end)

t.test("a frozen worker's task is overdue when nothing is heard of it", function()
  local cluster <close>, server, worker = small(1)
  local pool <close> = cluster:executor { task_timeout = 0.2 }
  local gate <close> = cluster:gate()
  local f = pool:submit(tasks.pass, gate.path)
  local pid = gate:await()[1]
  worker:freeze()
  signal.kill(pid, "SIGSTOP")
  local e = t.raises_kind("task_timeout", function() return f:result() end)
  t.equal(e.seconds, 0.2)
  signal.kill(pid, "SIGCONT")
  worker:thaw()
  gate:open()
end)

t.test("a task that outruns task_timeout fails, its process is replaced, the others go on", function()
  local cluster <close>, server, worker = small(2)
  local patient <close> = cluster:executor()
  local pool <close> = cluster:executor { task_timeout = 0.2 }
  local gate <close> = cluster:gate()
  local never <close> = cluster:gate()
  local held = patient:submit(tasks.pass, gate.path, "held")
  gate:await()
  local f = pool:submit(tasks.pass, never.path)
  local pid = never:await()[1]
  t.raises_kind("task_timeout", function() return f:result() end)
  t.eventually(function() return not C.alive(pid) end, "the process to end")
  gate:open()
  t.equal(held:result(), "held")
  t.equal(patient:submit(tasks.add, 1, 2):result(), 3)
  t.equal(#never:there(), 1) -- it was not begun again
end)

t.test("without a worker for the queue a task waits; a worker that comes does it", function()
  local cluster <close> = C.new()
  cluster:server()
  local pool <close> = cluster:executor()
  local f = pool:submit(tasks.add, 1, 2)
  t.raises_kind("timeout", f.result, f, 0.01)
  cluster:worker()
  t.equal(f:result(), 3)
end)

t.test("a thousand queued tasks are cancelled, and none of them is begun", function()
  local cluster <close>, server = small(1)
  local pool <close> = cluster:executor { in_flight = 2000 }
  local gate <close> = cluster:gate()
  local held = pool:submit(tasks.pass, gate.path, "held")
  gate:await()
  local list = {}
  for i = 1, 1000 do list[i] = pool:submit(tasks.pass, gate.path, i) end
  t.eventually(function() return server:status().gilua.jobs == 1001 end, "the jobs to be queued")
  for i = 1, 1000 do t.equal(list[i]:cancel(), true) end
  for i = 1, 1000 do t.raises_kind("cancelled", function() return list[i]:result() end) end
  local last = pool:submit(tasks.add, 1, 2) -- behind the cancels on their way to the server
  t.eventually(function() return server:status().gilua.jobs >= 1002 end, "the last job to be queued")
  gate:open()
  t.equal(held:result(), "held")
  t.equal(last:result(), 3)
  t.equal(#gate:there(), 1)
end)

t.test("terminate cancels what runs and what is queued, at once", function()
  local cluster <close>, server = small(1)
  local pool <close> = cluster:executor()
  local gate <close> = cluster:gate()
  local list = {}
  for i = 1, 50 do list[i] = pool:submit(tasks.pass, gate.path, i) end
  gate:await()
  pool:terminate()
  for i = 1, 50 do t.raises_kind("cancelled", function() return list[i]:result(0) end) end
  gate:open()
end)

t.test("the queued tasks of a killed client are dropped, and the worker goes on", function()
  local cluster <close>, server = small(1)
  local gate <close> = cluster:gate()
  local p <close> = io.popen(([['%s' -e '
    local pool = require("gilua.futures").GearmanExecutor{ servers = {"%s"} }
    for i = 1, 20 do pool:submit("tasks:pass", "%s", i) end
    io.open("%s.pid", "w"):write(require("gilua.multiprocessing").current_process().pid):close()
    require("gilua.time").sleep(1000)' 2>/dev/null]])
    :format(os.getenv "GILUA", server.address, gate.path, gate.path), "w")
  gate:await()
  t.eventually(function() return server:status().gilua.jobs == 20 end, "the jobs to be queued")
  local pid
  t.eventually(function()
    local f <close> = io.open(gate.path .. ".pid")
    pid = f and f:read "n"
    return pid
  end, "the client")
  signal.kill(pid, "SIGKILL")
  t.eventually(function()
    local unwanted = 0
    for _, job in ipairs(server:jobs()) do unwanted = unwanted + (job.unwanted and 1 or 0) end
    return unwanted == 20 -- those that are queued are dropped when a worker asks
  end, "the server to know that nobody wants the jobs")
  gate:open()
  local pool <close> = cluster:executor()
  t.equal(pool:submit(tasks.add, 1, 2):result(), 3)
  t.equal(#gate:there(), 1)
end)

t.test("a job that was cancelled at the server fails its task", function()
  local cluster <close>, server = small(1)
  local pool <close> = cluster:executor()
  local gate <close> = cluster:gate()
  local held = pool:submit(tasks.pass, gate.path, "held")
  gate:await()
  local f = pool:submit(tasks.add, 1, 2)
  t.eventually(function() return server:status().gilua.jobs == 2 end, "the job to be queued")
  local newest = 0
  for _, job in ipairs(server:jobs()) do newest = math.max(newest, job.number) end
  local q <close> = server:ask("cancel job H:$(uname -n):" .. newest, 1)
  assert(q:read("l"):find "OK")
  t.raises_kind("worker_died", function() return f:result() end)
  gate:open()
  t.equal(held:result(), "held")
end)

t.test("a task that the server does not take is refused with its reason", function()
  local cluster <close>, server = small(1)
  local pool <close> = cluster:executor()
  local gate <close> = cluster:gate()
  local held = pool:submit(tasks.pass, gate.path, "held")
  gate:await()
  local p <close> = server:ask("maxqueue gilua 2", 1)
  assert(p:read("l"):find "OK")
  local queued = pool:submit(tasks.add, 1, 2)
  local e = t.raises_kind("refused", function() return pool:submit(tasks.add, 3, 4):result() end)
  assert(tostring(e):find "QUEUE_FULL" or tostring(e):find "queue", tostring(e))
  gate:open()
  t.equal(held:result(), "held")
  t.equal(queued:result(), 3)
end)

t.test("a forked process cannot use the executor of its parent", function()
  local cluster <close> = small(1)
  local pool <close> = cluster:executor()
  t.equal(pool:submit(tasks.add, 1, 2):result(), 3)
  shared_pool = pool -- a global that the workers have
  local processes <close> = require("gilua.futures").ProcessPoolExecutor(1)
  t.raises_kind("invalid_state", function()
    return processes:submit(function() return shared_pool:submit("tasks:add", 1, 2):result() end):result()
  end)
  shared_pool = nil
  t.equal(pool:submit(tasks.add, 3, 4):result(), 7)
end)

if not t.tsan then -- a forked process that starts a thread
  t.test("a forked process may make an executor of its own", function()
    local cluster <close> = small(1)
    local addresses = cluster:addresses()
    local processes <close> = require("gilua.futures").ProcessPoolExecutor(1)
    t.equal(processes:submit(function()
      local own <close> = require("gilua.futures").GearmanExecutor { servers = addresses }
      return own:submit("tasks:add", 3, 4):result()
    end):result(), 7)
  end)
end

t.finish()
