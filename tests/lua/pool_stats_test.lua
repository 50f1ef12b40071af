-- gil.stats().pools: what pools have done, and their workers.
local t = require "testing"
local threading = require "gilua.threading"
local futures = require "gilua.futures"
local gil = require "gilua.gil"

-- The counters of the pool of that name that is not collected.
local function counters(name)
  for _, p in ipairs(gil.stats().pools) do
    if p.name == name and not p.ended then return p end
  end
end

local function check(p, want)
  for k, v in pairs(want) do t.equal(p[k], v, k) end
end

t.test("a pool of threads counts tasks, what is queued, and its workers", function()
  local gate = threading.Event()
  local pool <close> = futures.ThreadPoolExecutor { max_workers = 2, thread_name_prefix = "hands" }
  check(counters "hands", { kind = "threads", max_workers = 2, submitted = 0, finished = 0, queued = 0, busy_ns = 0 })
  local list = {}
  for i = 1, 5 do list[i] = pool:submit(gate.wait, gate) end
  t.eventually(function() return list[1]:running() and list[2]:running() end)
  local p = counters "hands"
  check(p, { submitted = 5, finished = 0, queued = 3 })
  t.near(p.most_queued, 3, 5)
  t.equal(#p.workers, 2)
  t.near(p.busy_ns, 1, 1e12)
  gate:set()
  futures.wait(list)
  t.eventually(function() return counters("hands").finished == 5 end)
  p = counters "hands"
  check(p, { submitted = 5, queued = 0 })
  local tasks, busy = 0, 0
  for _, w in ipairs(p.workers) do
    t.equal(w.name:find("^hands_[01]$") ~= nil, true, w.name)
    tasks, busy = tasks + w.tasks, busy + w.busy_ns
  end
  t.equal(tasks, 5)
  t.near(busy, 1, p.busy_ns)
end)

t.test("an idle worker is not busy", function()
  local pool <close> = futures.ThreadPoolExecutor { max_workers = 1, thread_name_prefix = "idle" }
  pool:submit(function() end):result()
  local worker = t.eventually(function()
    for _, thread in ipairs(threading.enumerate()) do
      if thread.name == "idle_0" and thread.waits_for == "task" then return thread end
    end
  end)
  t.equal(worker.name, "idle_0")
  local before = counters("idle").busy_ns
  t.equal(counters("idle").busy_ns, before)
end)

t.test("what is cancelled is finished, too", function()
  local gate = threading.Event()
  local pool = futures.ThreadPoolExecutor { max_workers = 1, thread_name_prefix = "cancelled" }
  local first = pool:submit(gate.wait, gate)
  t.eventually(function() return first:running() end)
  for _ = 1, 3 do pool:submit(gate.wait, gate) end
  pool:shutdown { wait = false, cancel_futures = true }
  gate:set()
  pool:shutdown()
  check(counters "cancelled", { submitted = 4, finished = 4, queued = 0 })
end)

t.test("a pool of processes counts its tasks, and those of each worker", function()
  local pool <close> = futures.ProcessPoolExecutor { max_workers = 2 }
  local list = {}
  for i = 1, 20 do list[i] = pool:submit(function() local s = 0 for k = 1, 1e5 do s = s + k end return s end) end
  for _, f in ipairs(list) do f:result() end
  local p
  for _, q in ipairs(gil.stats().pools) do
    if q.kind == "processes" and not q.ended then p = q end
  end
  check(p, { max_workers = 2, submitted = 20, finished = 20, queued = 0 })
  t.near(p.most_queued, 1, 20)
  t.equal(p.name:find("^ProcessPool%-%d+$") ~= nil, true, p.name)
  local tasks, busy = 0, 0
  for _, w in ipairs(p.workers) do
    t.near(w.pid, 2, 1e9)
    tasks, busy = tasks + w.tasks, busy + w.busy_ns
  end
  t.equal(tasks, 20)
  t.equal(busy, p.busy_ns)
  t.near(busy, 20 * 1e4, 1e12)
end)

t.test("pools that were collected are kept, the newest twenty", function()
  for i = 1, 25 do futures.ThreadPoolExecutor { thread_name_prefix = "old" .. i }:submit(function() end):result() end
  local function ended()
    local names = {}
    for _, p in ipairs(gil.stats().pools) do
      if p.ended then names[#names + 1] = p.name end
    end
    return names
  end
  t.eventually(function() collectgarbage() return #ended() == 20 end)
  for _, p in ipairs(gil.stats().pools) do
    if p.ended then check(p, { submitted = 1, queued = 0 }) end
  end
end)

t.test("--stats has a table of pools, --stats=json a list", function()
  local script = [[
    local pool = require("gilua.futures").ThreadPoolExecutor { max_workers = 3, thread_name_prefix = "mine" }
    for _ = 1, 7 do pool:submit(function() end) end]]
  local text = t.run { "--stats", "-e", script }
  t.equal(text:find("\npool +of +workers +submitted +finished +queued +most queued +busy ms\nmine +threads +3 +7 +7 +0 ") ~= nil,
    true, text)
  text = t.run { "--stats=json", "-e", script }
  t.equal(text:find('"pools":[{"max_workers":3,"name":"mine","kind":"threads","submitted":7,"finished":7,"queued":0,', 1, true)
    ~= nil, true, text)
  text = t.run { "--stats", "-e", "" }
  t.equal(text:find("most queued", 1, true), nil)
end)

t.finish()
