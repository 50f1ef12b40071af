-- Tasks while workers, their processes and job servers are killed at random, and come back: each result right, none lost,
-- none hanging.
-- usage: chaos_test.lua [tasks [seed]]     the 100 000 of a night: chaos_test.lua 100000
local C = require "cluster"
local t = require "testing"
C.required()

local tasks = require "tasks"
local time = require "gilua.time"
local n = tonumber(arg[1]) or t.hostile and 400 or 2000
local seed = tonumber(arg[2]) or time.time_ns() // 1000 % 1000000
local every = 100 -- tasks between two deaths
print(("# %d tasks, seed %d"):format(n, seed))
math.randomseed(seed)

local cluster = C.new()
local options = { "--job-retries=1000" }
local servers = { cluster:server(options), cluster:server(options) }
local workers = { cluster:worker { processes = 2 }, cluster:worker { processes = 2 } }
local harms = { worker = 0, process = 0, server = 0 }

local function children(pid)
  local p <close> = io.popen("ps -o pid= --ppid " .. pid)
  local list = {}
  for line in p:lines() do list[#list + 1] = tonumber(line) end
  return list
end

local harm = {}

function harm.worker()
  local k = math.random(#workers)
  workers[k]:kill()
  workers[k]:await_end()
  workers[k] = cluster:worker { processes = 2 }
end

function harm.process()
  for _, zygote in ipairs(children(workers[math.random(#workers)].pid)) do
    for _, pid in ipairs(children(zygote)) do
      if math.random(2) == 1 then require("gilua.signal").kill(pid, "SIGKILL") end
    end
  end
end

function harm.server()
  local server = servers[math.random(#servers)]
  server:kill()
  server:await_end()
  server:start()
end

local function harm_something()
  local names = { "worker", "process", "process", "server" }
  local name = names[math.random(#names)]
  harms[name] = harms[name] + 1
  harm[name]()
end

t.test("each task of many has its result while everything is killed and comes back", function()
  local pool <close> = cluster:executor { retries = 1000 }
  local list, done = {}, 0
  local function take(f)
    local i = f.i
    local a, key = f.future:result(120)
    t.equal(a, i)
    assert(type(key) == "string")
    done = done + 1
  end
  for i = 1, n do
    list[#list + 1] = { i = i, future = pool:submit(tasks.echo, i, ("k"):rep(i % 50)) }
    if #list >= 200 then take(table.remove(list, 1)) end
    if i % every == 0 then harm_something() end
  end
  for _, f in ipairs(list) do take(f) end
  t.equal(done, n)
end)

print(("# killed: %d workers, %d times processes, %d servers"):format(harms.worker, harms.process, harms.server))
cluster:close()
t.finish()
