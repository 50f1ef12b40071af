-- Waits without timeouts that always end, by every way in which a wait can end, all at the same time: nobody may be told of a
-- deadlock. What ends them: other threads, timed waits, sleeps, native code, files and commands, tasks of both kinds of
-- pools and their callbacks, threads of a C library, cancels, signals.
local gilua = require "gilua"
local threading, queue, time = gilua.threading, gilua.queue, gilua.time
local futures, native, gil, ctypes = gilua.futures, gilua.native, gilua.gil, gilua.ctypes

local seed = tonumber(os.getenv "TEST_RANDOM_SEED") or 1
math.randomseed(seed)
print("# seed " .. seed)
gil.switch_interval(2e-5)

local library = arg[1] and ctypes.load(arg[1])
local on_thread = library and library:func("call_n_in_thread", "int", { "void*", "int" })
local seconds = 3
local locks, order = {}, 4
for i = 1, order do locks[i] = i % 2 == 0 and threading.RLock() or threading.Condition() end
local pp = not os.getenv("TSAN_OPTIONS") and futures.ProcessPoolExecutor { max_workers = 1 }
local tp = futures.ThreadPoolExecutor { max_workers = 3 }
local stop, count = false, {}

-- Waits for an event that f sees to.
local function awaited(f)
  local e = threading.Event()
  local keep = f(function() e:set() end)
  e:wait()
  return keep
end

local text = string.rep("x", 100000)
local acts
acts = {
  locks_in_order = function(random)
    local i = random(order - 1)
    local a <close> = locks[i]:hold()
    local b <close> = locks[i + 1]:hold()
    if random(3) == 1 then time.sleep(0.0001) end
  end,
  timed_wait_elsewhere = function() awaited(function(set) return threading.start(function() queue.Queue():get(true, 0.0005) set() end) end) end,
  sleep_elsewhere = function() awaited(function(set) return threading.start(function() time.sleep(0.0003) set() end) end) end,
  native_elsewhere = function() awaited(function(set) return threading.start(function() native.sha256(text) set() end) end) end,
  timer = function() awaited(function(set) threading.Timer(0.0005, set):start() end) end,
  command = function(random)
    if random(10) > 1 then return end
    awaited(function(set) return threading.start(function() local p <close> = io.popen("echo x") p:read() set() end) end)
  end,
  join = function() threading.start(function() native.crc32(text) end):join() end,
  task = function(random) tp:submit(function() time.sleep(0.0001 * random(3)) end):result() end,
  callback = function() awaited(function(set) tp:submit(function() end):add_done_callback(set) end) end,
  process_task = function() if pp then pp:submit(math.abs, -1):result() end end,
  process_callback = function() if pp then awaited(function(set) pp:submit(math.abs, -1):add_done_callback(set) end) end end,
  barrier = function()
    local b = threading.Barrier(2)
    threading.start(b.wait, b)
    b:wait()
  end,
  cancelled = function()
    local e, lock = threading.Event(), threading.RLock()
    local _ <close> = lock:hold()
    local w = threading.start(function() pcall(lock.acquire, lock) e:set() end)
    while w.waits_for ~= "rlock" and w:is_alive() do time.sleep(0) end
    w:cancel()
    e:wait() -- for one that waits for a lock of this thread, but has been told to go
  end,
  condition = function()
    local c, done = threading.Condition(), false
    local w = threading.start(function() local _ <close> = c:hold() done = true c:notify() end)
    local _ <close> = c:hold()
    c:wait_for(function() return done end)
    return w
  end,
}
if on_thread then
  acts.foreign_thread = function()
    awaited(function(set)
      return threading.start(function()
        local f <close> = ctypes.callback(function() set() return 0 end, "int", { "int" })
        on_thread(f, 1)
      end)
    end)
  end
end

local names = {}
for name in pairs(acts) do names[#names + 1] = name end
table.sort(names)

local THREADS = 5

-- Each thread tries its share of the acts, and goes on at random.
local function run(me)
  local random = math.random
  local n = me
  while not stop or n <= #names do
    local name = names[n <= #names and n or random(#names)]
    acts[name](random)
    count[name] = (count[name] or 0) + 1
    n = n + THREADS
  end
end

local threads = {}
for i = 1, THREADS do threads[i] = threading.start(run, i) end
local pid = threading.main_thread().native_id
local sanitized = os.getenv("TSAN_OPTIONS") -- it holds signals back, until they come where they are not expected
local ended, interrupts = threading.Event(), 0
threading.start(function()
  for _ = 1, 2 do
    os.execute("kill -URG " .. pid) -- asks for nothing
    time.sleep(seconds / 4)
    if not sanitized then os.execute("kill -INT " .. pid) end
    time.sleep(seconds / 4)
  end
  stop = true
  ended:set()
end)
local function wait()
  while not ended:wait() do end
end
repeat
  local ok, e = pcall(wait)
  if not ok then
    assert(gilua.is_error(e, "interrupted"), e)
    interrupts = interrupts + 1
  end
until ok
assert(sanitized or interrupts > 0)
for _, t in ipairs(threads) do t:join() t:result() end
tp:shutdown()
if pp then pp:shutdown() end
for _, name in ipairs(names) do
  print("# " .. name, count[name] or 0)
  if name ~= "foreign_thread" and not (name:find("^process") and not pp) then assert(count[name], name .. " was never tried") end
end
