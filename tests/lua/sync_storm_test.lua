-- Random work on all that threads wait with at once, by a seed: timeouts, cancels and finalizers amid everything. What must hold:
-- nobody has a lock with another, no permit or item is lost or there twice, and nobody waits at the end.
local t = require "testing"
local gilua = require "gilua"
local threading = require "gilua.threading"
local queue = require "gilua.queue"

local SEED, WORKERS, ROUNDS, PERMITS = tonumber(os.getenv "STORM_SEED") or 20, 6, t.hostile and 15 or 150, 2

-- What the threads share, and what they write down.
local function new_world()
  local w = { put = {}, got = {}, inside = {}, most = {}, made = 0, books = threading.Lock() }
  w.queues = { queue.Queue(3), queue.LifoQueue(2), queue.PriorityQueue(3), queue.PriorityQueue(2, function(a, b) return a < b end),
    queue.SimpleQueue(), queue.Queue() }
  w.locks = { threading.Lock(), threading.RLock(), threading.Condition() }
  w.semaphores = { threading.Semaphore(PERMITS), threading.BoundedSemaphore(PERMITS) }
  w.condition, w.notes, w.event = threading.Condition(), 0, threading.Event()
  return w
end

local function new_item(w)
  local _ <close> = w.books:hold()
  w.made = w.made + 1
  return w.made
end

local function account(w, which, item)
  if item then w[which][item] = (w[which][item] or 0) + 1 end
end

-- A thread of one call, which is cancelled at some time: its result says whether it had its way.
local function victim(w, random, method, settle, object, ...)
  local thread = threading.start(object[method], object, ...)
  w.victims[#w.victims + 1] = { thread = thread, settle = settle }
  if random(2) == 1 then threading.start(function() end):join() end
  thread:cancel()
end

local function enter(w, thing, limit, change)
  local _ <close> = w.books:hold()
  w.inside[thing] = (w.inside[thing] or 0) + change
  if w.inside[thing] > limit then w.most[thing] = w.inside[thing] end
end

local actions = {}

function actions.lock(w, random)
  local lock = w.locks[random(#w.locks)]
  local timeout = random(3)
  local got = lock:acquire(true, timeout > 1 and timeout / 2000 or nil)
  if not got then return end
  enter(w, lock, 1, 1)
  if random(3) == 1 then threading.start(function() end):join() end
  enter(w, lock, 1, -1)
  lock:release()
end

function actions.permit(w, random)
  local s = w.semaphores[random(#w.semaphores)]
  if not s:acquire(true, random(4) / 2000) then return end
  enter(w, s, PERMITS, 1)
  if random(2) == 1 then threading.start(function() end):join() end
  enter(w, s, PERMITS, -1)
  s:release()
end

function actions.put(w, random)
  local item = new_item(w)
  if w.queues[random(#w.queues)]:put(item, random(3) > 1, random(3) / 2000) then account(w, "put", item) end
end

function actions.get(w, random)
  account(w, "got", (w.queues[random(#w.queues)]:get(random(3) > 1, random(3) / 2000)))
end

function actions.notify(w)
  local _ <close> = w.condition:hold()
  w.notes = w.notes + 1
  w.condition:notify()
end

function actions.await(w, random)
  local _ <close> = w.condition:hold()
  w.condition:wait_for(function() return w.notes > 0 end, random(3) / 2000)
end

function actions.event(w, random)
  local turn = random(3)
  if turn == 1 then w.event:set() elseif turn == 2 then w.event:clear() else w.event:wait(random(2) / 2000) end
end

function actions.cancelled_get(w, random)
  victim(w, random, "get", function(item) account(w, "got", item) end, w.queues[random(#w.queues)])
end

function actions.cancelled_put(w, random)
  local item = new_item(w)
  victim(w, random, "put", function(done) account(w, "put", done and item) end, w.queues[random(#w.queues)], item)
end

function actions.cancelled_permit(w, random)
  local s = w.semaphores[random(#w.semaphores)]
  victim(w, random, "acquire", function() s:release() end, s)
end

function actions.cancelled_lock(w, random)
  local lock = w.locks[1]
  victim(w, random, "acquire", function() lock:release() end, lock)
end

function actions.finalizer(w, random)
  local q, item = w.queues[random(5, #w.queues)], new_item(w)
  setmetatable({}, { __gc = function()
    if q:put_nowait(item) then account(w, "put", item) end
    account(w, "got", (q:get_nowait()))
    w.event:set()
  end })
  if random(8) == 1 then collectgarbage("step") end
end

-- More than a ring has room for, while finalizers put, too.
function actions.flood(w, random)
  local q = w.queues[random(5, #w.queues)]
  for _ = 1, random(40) do
    actions.finalizer(w, random)
    local item = new_item(w)
    if q:put_nowait(item) then account(w, "put", item) end
  end
end

local names = {}
for name in pairs(actions) do names[#names + 1] = name end
table.sort(names)

-- What the victims of one thread had is written down, and given back, by that thread: a lock is not held while it waits.
local function settle(w, victims)
  for _, v in ipairs(victims) do
    if not v.thread:join(t.limit) then error("a cancelled thread waits on") end
    local results = table.pack(pcall(v.thread.result, v.thread))
    if results[1] then v.settle(results[2]) elseif not gilua.is_error(results[2], "cancelled") then error(results[2]) end
  end
end

local function random_of(seed)
  local state = seed
  return function(low, high)
    state = (state * 6364136223846793005 + 1442695040888963407)
    if not high then low, high = 1, low end
    return low + (state >> 33) % (high - low + 1)
  end
end

local function worker(i, w, seed)
  local random = random_of(seed * 1000 + i)
  for _ = 1, ROUNDS do
    local mine = setmetatable({ victims = {} }, { __index = w, __newindex = w }) -- its own victims, all else shared
    actions[names[random(#names)]](mine, random)
    settle(w, mine.victims)
  end
end

local function check(w)
  for _ = 1, 3 do collectgarbage() end
  for _, q in ipairs(w.queues) do
    for item in q.get_nowait, q do account(w, "got", item) end
    t.equal(q:qsize(), 0)
  end
  t.equal(next(w.most), nil, "more threads than one inside a lock, or than permits")
  for item, n in pairs(w.got) do
    t.equal(n, 1, "times that item " .. item .. " came out")
    t.equal(w.put[item], 1, "times that item " .. item .. " was put")
  end
  for item in pairs(w.put) do t.equal(w.got[item], 1, "times that item " .. item .. " came out") end
  for _, lock in ipairs(w.locks) do t.equal(lock:locked(), false) end
  for _, s in ipairs(w.semaphores) do
    for _ = 1, PERMITS do t.equal(s:acquire(false), true, "a permit") end
    t.equal(s:acquire(false), false)
  end
end

for seed = SEED, SEED + (t.hostile and 0 or 3) do
  t.test("nothing is lost or doubled in a storm of waits, cancels and finalizers, seed " .. seed, function()
    local w = new_world()
    local pause = t.pause(50)
    t.join(t.start(WORKERS, worker, w, seed))
    t.pause(pause)
    check(w)
  end)
end

t.finish()
