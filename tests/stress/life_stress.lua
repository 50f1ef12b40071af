-- Threads are started, cancelled, joined, waited for and abandoned at random, by each other, with waits of every kind
-- inside; afterwards nothing is left. usage: life_stress.lua [seconds [seed]]
local gilua = require "gilua"
local threading, queue, time, gil = gilua.threading, gilua.queue, gilua.time, gilua.gil

local seconds = tonumber(arg[1]) or 6
local seed = tonumber(arg[2]) or tonumber(os.getenv "TEST_RANDOM_SEED") or 1
print(string.format("# %g seconds, seed %d", seconds, seed))
math.randomseed(seed)

local stop = time.monotonic() + seconds
local lock, rlock, cond, event = threading.Lock(), threading.RLock(), threading.Condition(), threading.Event()
local sem, q = threading.Semaphore(2), queue.Queue(3)
local inside = nil
local started, ended = queue.SimpleQueue(), queue.SimpleQueue() -- counted by their lengths: n = n + 1 is no atom
threading.excepthook = function(_, err) io.stdout:write("not ok - uncaught: ", tostring(err), "\n") os.exit(1) end

local function short() return math.random() * 0.002 end

local waits = {
  function() time.sleep(short()) end,
  function() -- nobody else may have been inside meanwhile
    local id = threading.get_ident()
    local _ <close> = lock:hold()
    inside = id
    pcall(time.sleep, 0)
    assert(inside == id)
  end,
  function() local _ <close> = rlock:hold() local _ <close> = rlock:hold() time.sleep(short()) end,
  function() local _ <close> = cond:hold() cond:wait(short()) end,
  function() local _ <close> = cond:hold() cond:notify(math.random(3)) end,
  function() event:wait(short()) end,
  function() event:set() event:clear() end,
  function() sem:with(time.sleep, short()) end,
  function() q:put(math.random(100), true, short()) end,
  function() q:get(true, short()) end,
  function() for _ = 1, 1000 do end end,
  function() local t = threading.current_thread() assert(t:is_alive()) assert(#threading.enumerate() >= 1) end,
}

local live = {}

local function body()
  local guard <close> = setmetatable({}, { __close = function() ended:put(1) end })
  for _ = 1, math.random(30) do
    local ok, err = pcall(waits[math.random(#waits)])
    if not ok then
      if not gilua.is_error(err, "cancelled") then error(err, 0) end
      if math.random(2) == 1 then error(err, 0) end -- pass it on, or swallow it
    end
  end
  return "done"
end

local function manage()
  while time.monotonic() < stop do
    local n = math.random(4)
    if n == 1 and #live < 30 then
      -- counted only once it runs: a cancel may come before its first instruction
      local t = threading.Thread { target = function() started:put(1) return body() end, daemon = math.random(2) == 1 }
      live[#live + 1] = t:start()
    elseif #live > 0 then
      local t = live[math.random(#live)] -- another manager may just take some away
      if not t then time.sleep(0)
      elseif n == 2 then t:cancel(math.random(2) == 1 and "because" or nil)
      elseif n == 3 then t:join(short())
      else
        local alive = {}
        for _, other in ipairs(live) do if other:is_alive() then alive[#alive + 1] = other end end
        live = alive -- a thread that another manager adds meanwhile goes on unmanaged
      end
    end
  end
end

gil.switch_interval(2e-5)
local managers = {}
for i = 1, 3 do managers[i] = threading.start(manage) end
for _, t in ipairs(managers) do t:result() end
for _, t in ipairs(threading.enumerate()) do
  if t ~= threading.current_thread() then
    t:cancel()
    assert(t:join(120), "a cancelled thread does not end")
  end
end
assert(threading.active_count() == 1, threading.active_count())
assert(not lock:locked() and not rlock:locked() and not cond:locked(), "a lock is left over")
assert(sem:acquire(false) and sem:acquire(false) and not sem:acquire(false), "a permit is lost or doubled")
print(string.format("# %d threads", started:qsize()))
assert(started:qsize() >= ended:qsize() and ended:qsize() > 10)
print "ok - life_stress"
