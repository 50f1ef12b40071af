-- What holds for every executor (tests/lua) holds for GearmanExecutor, too: the same tests, over workers with a token. An
-- executor with max_workers = n has a queue with n processes.
local C = require "cluster"
local t = require "testing"
C.required()

local executors = require "executors"
local futures = require "gilua.futures"

-- Not asked of it: an initializer is the workers' matter, a number is no list of servers, a task that was terminated goes on
-- for its minute, and a worker may begin a task while its cancellation is on the way (cancel_test.lua).
local unasked = { "initializer", "the number of workers", "misspelled options", "what takes a minute", "leaving the loop" }

local secret = "a secret of enough bytes"
local cluster = C.new()
local server = cluster:server()

-- The options for a queue with that many processes, which are started when it is first asked for.
local started = {}
local function options_for(n)
  local queue = "queue" .. n
  if not started[n] then
    started[n] = true
    cluster:worker { processes = n, require = false, "--queue", queue, "--quiet", environment = ("GILUA_TOKEN='%s'"):format(secret) }
    server:await_workers(n, queue)
  end
  return { servers = { server.address }, queue = queue, token = secret, heartbeat = 20, server_timeout = 60 }
end

local kind = { name = "GearmanExecutor", shared = false }

function kind.new(options)
  local all = options_for(options.max_workers)
  for name, value in pairs(options) do all[name] = value end
  return futures.GearmanExecutor(all)
end

-- The same for a program of its own.
kind.source = ("(function(o) o.servers, o.token, o.queue = { %q }, %q, 'queue2' return require 'gilua.futures'.GearmanExecutor(o) end)")
  :format(server.address, secret)

function executors.each(f) f(kind) end

local test, finish = t.test, t.finish

function t.test(name, f)
  for _, pattern in ipairs(unasked) do
    if name:find(pattern, 1, true) then return end
  end
  if name:find(kind.name, 1, true) then test(name, f) end
end

function t.finish() end

options_for(2)
for _, name in ipairs { "executor_test", "executor_map_test", "multiprocessing_pool_test" } do
  dofile(os.getenv "TEST_ROOT" .. "/tests/lua/" .. name .. ".lua")
end

cluster:close()
finish()
