local threading, queue = require "gilua.threading", require "gilua.queue"
local time = require "gilua.time"
local futures, multiprocessing = require "gilua.futures", require "gilua.multiprocessing"

local state = 0
local function random(n)
  state = (state * 1103515245 + 12345) & 0x7fffffff
  return (state >> 8) % n
end

local called, asked = {}, 0
local function result_of(f)
  if f:cancelled() then return "cancelled" end
  if f:exception(0) ~= nil then return "raises" end
  return f:result(0)
end

local function with(base, more)
  local all = {}
  for k, v in pairs(base) do all[k] = v end
  for k, v in pairs(more) do all[k] = v end
  return all
end

local LOCK = { try = function(o) return o:acquire(false) end, ["at once"] = function(o) return o:acquire(true, 0) end,
  release = function(o) return o:release() end }
local SEMAPHORE = with(LOCK, { two = function(o) return o:release(2) end, none = function(o) return o:release(0) end })
local waiting = setmetatable({}, { __mode = "k" }) -- Queue -> unfinished tasks
local function put(o, ...)
  local ok, why = o:put(random(100), ...)
  if ok then waiting[o] = (waiting[o] or 0) + 1 end
  return ok or why
end
local function got(value, why) return value or why end
local QUEUE = { put = function(o) return put(o, false) end, ["put at once"] = function(o) return put(o, true, 0) end,
  put_nowait = function(o)
    local ok, why = o:put_nowait(random(100))
    if ok then waiting[o] = (waiting[o] or 0) + 1 end
    return ok or why
  end,
  get = function(o) return got(o:get(false)) end, ["get at once"] = function(o) return got(o:get(true, 0)) end,
  get_nowait = function(o) return got(o:get_nowait()) end, qsize = function(o) return o:qsize() end, empty = function(o) return o:empty() end,
  full = function(o) return o:full() end,
  task_done = function(o) o:task_done() waiting[o] = waiting[o] - 1 end,
  join = function(o) if (waiting[o] or 0) > 0 then return true end o:join() end }
local EVENT = { set = function(o) return o:set() end, clear = function(o) return o:clear() end, is_set = function(o) return o:is_set() end,
  wait = function(o) return o:wait(0) end }
local KINDS = {
  { "Lock", function() return threading.Lock() end, with(LOCK, { locked = function(o) return o:locked() end, both = function(o) return o:acquire(false, 1) end }) },
  { "RLock", function() return threading.RLock() end, LOCK },
  { "Semaphore", function() return threading.Semaphore(random(3)) end, SEMAPHORE },
  { "BoundedSemaphore", function() return threading.BoundedSemaphore(random(3)) end, SEMAPHORE },
  { "Event", function() return threading.Event() end, EVENT },
  { "Condition", function() return threading.Condition() end, with(LOCK, { notify = function(o) o:notify() end, two = function(o) o:notify(2) end,
    all = function(o) o:notify_all() end, wait = function(o) return o:wait(0) end, wait_for = function(o) return o:wait_for(function() return random(2) == 1 end, 0) end }) },
  { "Barrier", function() return threading.Barrier(1) end, { wait = function(o) return got(o:wait(0)) end, abort = function(o) o:abort() end, reset = function(o) o:reset() end,
    broken = function(o) return o.broken end, n_waiting = function(o) return o.n_waiting end, parties = function(o) return o.parties end } },
  { "Queue", function() return queue.Queue(random(4)) end, QUEUE },
  { "LifoQueue", function() return queue.LifoQueue(random(4)) end, QUEUE },
  { "PriorityQueue", function() return queue.PriorityQueue(random(4)) end, QUEUE },
  { "SimpleQueue", function() return queue.SimpleQueue() end, { put = function(o) return o:put(random(100)) end, get = function(o) return got(o:get(false)) end,
    get_nowait = function(o) return got(o:get_nowait()) end, qsize = function(o) return o:qsize() end, empty = function(o) return o:empty() end } },
  { "Future", function() return futures.Future() end, {
    set_result = function(o) o:set_result(random(100)) end, set_exception = function(o) o:set_exception "wrong" end, cancel = function(o) return o:cancel() end,
    cancelled = function(o) return o:cancelled() end, running = function(o) return o:running() end, done = function(o) return o:done() end, result = result_of,
    set_running = function(o) if not o:done() and not o:running() then return o:set_running() end end,
    callback = function(o)
      asked = asked + 1
      o:add_done_callback(function(f) called[#called + 1] = result_of(f) end)
    end } },
  { "Thread", function() return threading.Thread { target = math.random } end, {
    start = function(o) o:start() o:join() end, join = function(o) o:join() end, daemon = function(o) o.daemon = random(2) == 1 end,
    name = function(o) o.name = "x" end, alive = function(o) return o:is_alive() end, ident = function(o) return o.ident ~= nil end } },
  { "shared Lock", function() return multiprocessing.Lock() end, LOCK },
  { "shared RLock", function() return multiprocessing.RLock() end, LOCK },
  { "shared Semaphore", function() return multiprocessing.Semaphore(random(3)) end, LOCK },
  { "shared BoundedSemaphore", function() return multiprocessing.BoundedSemaphore(1 + random(2)) end, LOCK },
  { "shared Event", function() return multiprocessing.Event() end, EVENT },
  { "shared SimpleQueue", function() return multiprocessing.SimpleQueue() end, { put = function(o) return o:put(random(100)) end,
    get = function(o) if o:empty() then return "nothing" end return o:get() end, empty = function(o) return o:empty() end } },
}
local NAMES = {}
for _, kind in ipairs(KINDS) do
  if not NAMES[kind[3]] then
    local names = {}
    for name in pairs(kind[3]) do names[#names + 1] = name end
    table.sort(names)
    NAMES[kind[3]] = names
  end
end

for seed = 1, 60 do
  state = seed + (tonumber(os.getenv "TEST_RANDOM_SEED") or 0) * 1000
  local kind, make, operations = table.unpack(KINDS[random(#KINDS) + 1])
  asked = 0
  local o, names = make(), NAMES[operations]
  for step = 0, 59 do
    local name = names[random(#names) + 1]
    local ok, result = pcall(operations[name], o)
    if not ok then
      print(seed, step, kind, name, tostring(result):find "^timeout" and "timeout" or "raises")
    elseif result ~= nil then print(seed, step, kind, name, result == "timeout" and (name:find "put" and "full" or "empty") or result)
    else print(seed, step, kind, name) end
    while kind == "Future" and o:done() and #called < asked do time.sleep(0.0001) end -- a thread of its own calls them
    asked = asked - #called
    while called[1] do print("  called", table.remove(called, 1)) end
  end
end
