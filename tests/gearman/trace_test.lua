-- Recordings, counters and dumps tell of GearmanExecutors as of the other executors.
local C = require "cluster"
local t = require "testing"
C.required()

local gil = require "gilua.gil"
local recordings = require "recordings"
local tasks = require "tasks"
local threading = require "gilua.threading"

local cluster = C.new()
local server = cluster:server()
local worker = cluster:worker { processes = 3 }
server:await_workers(3)

t.test("a recording shows tasks under their names, on a row for each process that did some", function()
  local pool <close> = cluster:executor()
  local n = t.hostile and 50 or 500
  local events = recordings.record(function()
    local list = {}
    for i = 1, n do list[i] = pool:submit(tasks.add, i, i) end
    for i = 1, n do t.equal(list[i]:result(), 2 * i) end
    pool:submit(tasks.fail, "x"):exception()
    pool:submit("tasks:add", 1, 2):result()
  end)
  recordings.check_rules(events)
  local names = {}
  local rows = recordings.rows_named(events, "^worker %S+/" .. worker.pid .. " process %d+$")
  t.near(#rows, 1, 3)
  for _, row in ipairs(rows) do
    for _, span in ipairs(recordings.row(events, row.tid)) do
      local name = span.name:gsub("^.*/", "")
      names[name] = (names[name] or 0) + 1
    end
  end
  local function place(f)
    local info = debug.getinfo(f, "S")
    return info.short_src:gsub("^.*/", "") .. ":" .. info.linedefined
  end
  t.equal(names[place(tasks.add)], n)
  t.equal(names[place(tasks.fail)], 1)
  t.equal(names["tasks:add"], 1)
end)

t.test("a recording that begins and ends while tasks run has what ended meanwhile", function()
  local pool <close> = cluster:executor()
  local gate <close> = cluster:gate()
  local before = pool:submit(tasks.pass, gate.path)
  gate:await()
  local events = recordings.record(function()
    gate:open()
    before:result()
    pool:submit(tasks.add, 1, 2)
  end)
  recordings.check_rules(events)
  local spans = 0
  for _, row in ipairs(recordings.rows_named(events, "^worker ")) do spans = spans + #recordings.row(events, row.tid) end
  t.near(spans, 1, 2)
end)

t.test("a dump shows that a thread waits for a task", function()
  local pool <close> = cluster:executor()
  local gate <close> = cluster:gate()
  local thread = threading.start(function() return pool:submit(tasks.pass, gate.path, "done"):result() end)
  gate:await()
  t.parked(thread, "task")
  local file <close> = recordings.temporary ".txt"
  t.equal(gil.dump(file.path), true)
  local text = recordings.read(file.path)
  assert(text:find "waits without the lock: task\n.*in method 'result'", text)
  gate:open()
  t.equal(thread:result(), "done")
end)

t.test("counters tell of an executor that was dropped once its tasks have ended", function()
  local gate <close> = cluster:gate()
  do
    local pool = cluster:executor()
    pool:submit(tasks.pass, gate.path)
    pool:submit(tasks.pass, gate.path):cancel()
  end
  gate:open()
  local ended
  t.eventually(function()
    collectgarbage()
    cluster:executor():shutdown() -- who makes one releases what has ended
    collectgarbage()
    for _, pool in ipairs(gil.stats().pools) do
      if pool.kind == "gearman" and pool.ended and pool.submitted == 2 then ended = pool end
    end
    return ended
  end, "the counters")
  t.equal(ended.finished, 2)
  t.equal(#ended.workers, 0)
end)

t.test("an executor that could not be made has no counters", function()
  local function newest()
    local pools = gil.stats().pools
    return tonumber(pools[#pools].name:match "^Gearman%-(%d+)$")
  end
  local pool <close> = cluster:executor()
  local before = newest()
  t.raises_kind("broken_pool", require("gilua.futures").GearmanExecutor, { servers = { "127.0.0.1:1" } })
  t.equal(newest(), before)
  local next_pool <close> = cluster:executor()
  t.equal(newest(), before + 1)
end)

cluster:close()
t.finish()
