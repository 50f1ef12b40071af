-- The convoy effect, the release-and-grab battle, and their cure: what each policy of the lock makes of one thread that
-- answers requests beside one that computes.
-- usage: convoy.lua [requests = 100 [switch interval = 0.005 [directory for timeline pages]]]
--
-- A request comes every 2 ms; its answer needs some microseconds of Lua. Its lateness is how long that answer waits for
-- the lock. "interval" is CPython's rule: the thread that computes is asked only after a full interval, so every answer
-- stands in line behind it: the convoy. "ticks" is Python 2's: every hundred VM instructions the lock is freed, and mostly
-- grabbed again by the thread that freed it, before the other one is awake: the battle. "fair" lets in who had the lock
-- least.
local threading = require "gilua.threading"
local time = require "gilua.time"
local gil = require "gilua.gil"

local requests, interval = math.tointeger(tonumber(arg[1] or 100)), tonumber(arg[2] or 0.005)
local directory = arg[3]
if not requests or requests < 1 or not pcall(gil.switch_interval, interval) then
  io.stderr:write("usage: convoy.lua [requests = 100 [switch interval = 0.005 [directory for timeline pages]]]\n")
  os.exit(2)
end
local PERIOD, SPINNERS = 0.002, 1

local function answer()
  for i = 1, 200 do local _ = i * i end
end

-- How late each answer was, in ms, sorted.
local function answer_requests()
  local late = {}
  for i = 1, requests do
    local due = time.monotonic() + PERIOD
    time.sleep(PERIOD)
    answer()
    late[i] = (time.monotonic() - due) * 1000
  end
  table.sort(late)
  return late
end

-- Threads that compute until the returned function is called, which returns how many rounds a second they did together.
local function start_spinners()
  local stopped, rounds, threads, t0 = false, 0, {}, time.monotonic()
  for i = 1, SPINNERS do
    threads[i] = threading.Thread { name = "computes " .. i, target = function()
      while not stopped do
        for k = 1, 1000 do local _ = k * k end
        rounds = rounds + 1
      end
    end }:start()
  end
  return function()
    local per_second = rounds / (time.monotonic() - t0)
    stopped = true
    for _, t in ipairs(threads) do t:join() end
    return per_second
  end
end

local function in_thread(name, f)
  return threading.Thread { name = name, target = f }:start():result()
end

-- One line of the table.
local function measure(policy)
  gil.policy(policy)
  gil.switch_interval(interval)
  if directory then assert(gil.trace(string.format("%s/convoy-%s.html", directory, policy))) end
  local before, t0 = gil.stats().switches, time.monotonic()
  local stop = start_spinners()
  local late = in_thread("answers", answer_requests)
  local rounds = stop()
  local switches = (gil.stats().switches - before) / (time.monotonic() - t0)
  if directory then assert(gil.trace()) end
  gil.policy("fair")
  return late, rounds, switches
end

local function percentile(sorted, p) return sorted[math.max(1, math.ceil(#sorted * p))] end

-- What the spinners do when nobody else wants the lock, and how late a thread alone is: the system's timer.
local stop = start_spinners()
time.sleep(0.2)
local undisturbed = stop()
local alone = in_thread("answers", answer_requests)

print(string.format("%d requests, one every %g ms, beside %d thread that computes; switch interval %g ms", requests,
  PERIOD * 1000, SPINNERS, interval * 1000))
print(string.format("%-10s %14s %14s %16s %14s", "policy", "late: median", "late: p95", "computing keeps", "switches / s"))
print(string.format("%-10s %11.3f ms %11.3f ms %16s %14s", "(alone)", percentile(alone, 0.5), percentile(alone, 0.95), "-", "-"))
for _, policy in ipairs { "ticks", "interval", "fair" } do
  local late, rounds, switches = measure(policy)
  print(string.format("%-10s %11.3f ms %11.3f ms %14.0f %% %14.0f", policy, percentile(late, 0.5), percentile(late, 0.95),
    100 * rounds / undisturbed, switches))
end
if directory then print("timelines: " .. directory .. "/convoy-{ticks,interval,fair}.html") end
