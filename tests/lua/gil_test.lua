-- gilua.gil: switch interval, policies, statistics. What is preempted is in gil_preempt_test.lua.
local t = require "testing"
local threading = require "gilua.threading"
local time = require "gilua.time"
local gil = require "gilua.gil"

local policies = { "fair", "interval", "ticks" }

-- To be closed: the lock is as it was.
local function restore()
  local policy, interval = gil.policy(), gil.switch_interval()
  return setmetatable({}, {
    __close = function()
      gil.policy(policy)
      gil.switch_interval(interval)
    end,
  })
end

-- The counter must not have gone back. Times are converted from ticks by a measured rate, which gets better.
local function has_grown(field, after, before)
  local slack = field:find("_ns$") and before // 1000 + 1000 or 0
  t.near(after, before - slack, math.maxinteger, field)
end

-- Starts n threads that count until stop() is called; it joins them. counts[i] is how far thread i got.
local function start_spinners(n)
  local counts, stopped = {}, false
  local threads = t.start(n, function(i)
    counts[i] = 0
    while not stopped do counts[i] = counts[i] + 1 end
  end)
  return counts, function()
    stopped = true
    t.join(threads)
  end, threads
end

t.test("the switch interval is 5 ms, and can be read and set", function()
  local _ <close> = restore()
  t.equal(gil.switch_interval(), 0.005)
  t.equal(gil.switch_interval(nil), 0.005)
  for _, seconds in ipairs { 1e-6, 2e-5, 0.25, 1 } do
    local before = gil.switch_interval()
    t.equal(gil.switch_interval(seconds), before)
    t.equal(gil.switch_interval(), seconds)
    t.equal(math.type(gil.switch_interval()), "float")
  end
end)

t.test("a switch interval that is none is an error, and changes nothing", function()
  for _, seconds in ipairs { 0, 0.9e-6, -0.005, 1.1, 1e9, math.huge, -math.huge, 0 / 0 } do
    t.raises("must be from 1e%-6 to 1 second", gil.switch_interval, seconds)
  end
  t.raises("number expected, got table", gil.switch_interval, {})
  t.raises("number expected, got string", gil.switch_interval, "soon")
  t.equal(gil.switch_interval(), 0.005)
end)

t.test("the policy is fair, and can be read and set", function()
  local _ <close> = restore()
  t.equal(gil.policy(), "fair")
  t.equal(gil.policy(nil), "fair")
  t.equal(gil.policy("interval"), "fair")
  t.equal(gil.policy("ticks"), "interval")
  t.equal(gil.policy("ticks"), "ticks")
  t.equal(gil.policy("fair"), "ticks")
  t.equal(gil.policy(), "fair")
end)

t.test("an unknown policy is an error that names the known ones, and changes nothing", function()
  for _, name in ipairs { "", "Fair", "fair ", "round robin", 5 } do
    local err = t.raises("policies are", gil.policy, name)
    for _, known in ipairs(policies) do t.equal(err:find(known, 1, true) ~= nil, true, err) end
  end
  t.raises("string expected, got table", gil.policy, {})
  t.raises("string expected, got boolean", gil.policy, true)
  t.equal(gil.policy(), "fair")
end)

for _, policy in ipairs(policies) do
  t.test("two spinning threads both get on under policy " .. policy, function()
    local _ <close> = restore()
    gil.policy(policy)
    local counts, stop = start_spinners(2)
    for _ = 1, 5 do
      local a, b = counts[1] or 0, counts[2] or 0
      t.eventually(function() return (counts[1] or 0) > a + 1000 and (counts[2] or 0) > b + 1000 end, "both to get on")
    end
    stop()
  end)

  t.test("locks, queues and sleeps work under policy " .. policy, function()
    local _ <close> = restore()
    gil.policy(policy)
    local queue = require "gilua.queue"
    local q, lock, sum = queue.Queue(2), threading.Lock(), 0
    local getters = t.start(3, function()
      for item in q:items() do
        local _ <close> = lock:hold()
        local old = sum
        if item % 10 == 0 then time.sleep(0.0001) end
        sum = old + item
      end
    end)
    for i = 1, 300 do q:put(i) end
    q:shutdown()
    t.join(getters)
    t.equal(sum, 45150)
  end)
end

local change_policy = [[
  local threading, time, gil = require "gilua.threading", require "gilua.time", require "gilua.gil"
  gil.policy(from)
  local counts, stopped = { 0, 0 }, false
  local function spin(i) while not stopped do counts[i] = counts[i] + 1 end end
  local threads = { threading.start(spin, 1), threading.start(spin, 2) }
  local function all_get_on()
    local a, b = counts[1], counts[2]
    repeat time.sleep(0.001) until counts[1] > a and counts[2] > b
  end
  all_get_on()
  for _, policy in ipairs { to, from } do
    gil.policy(policy)
    for _ = 1, 5 do all_get_on() end
  end
  stopped = true
  for _, thread in ipairs(threads) do thread:join() end
  print("done")
]]

-- In a process of its own: where the lock is never left again, only a time limit helps.
for _, from in ipairs(policies) do
  for _, to in ipairs(policies) do
    t.test("spinning threads and the main thread get on when " .. from .. " becomes " .. to, function()
      local text, status = t.run({ "-e", ("local from, to = %q, %q\n"):format(from, to) .. change_policy },
        { before = "timeout 200 " })
      t.equal(text, "done\n")
      t.equal(status, 0)
    end)
  end
end

t.test("the switch interval can be set while threads run", function()
  local _ <close> = restore()
  local counts, stop = start_spinners(2)
  for _, seconds in ipairs { 1e-6, 0.1, 1e-3 } do
    gil.switch_interval(seconds)
    local a, b = counts[1] or 0, counts[2] or 0
    t.eventually(function() return (counts[1] or 0) > a and (counts[2] or 0) > b end, "both to get on")
  end
  stop()
end)

t.test("stats has counters of the lock and of every thread", function()
  local waiting = threading.Event()
  local thread = threading.Thread { target = waiting.wait, args = { waiting }, name = "a waiter" }:start()
  t.parked(thread)
  local stats, found = gil.stats(), {}
  for _, field in ipairs { "switches", "forced_switches", "signals" } do
    t.equal(math.type(stats[field]), "integer", field)
    t.near(stats[field], 0, math.maxinteger, field)
  end
  t.equal(#stats.threads, threading.active_count())
  for _, s in ipairs(stats.threads) do
    t.equal(type(s.name), "string")
    for _, field in ipairs { "ident", "acquisitions", "held_ns", "waited_ns", "forced_switches", "longest_hold_ns" } do
      t.equal(math.type(s[field]), "integer", field)
      t.near(s[field], 0, math.maxinteger, field)
    end
    has_grown("held_ns", s.held_ns, s.longest_hold_ns)
    t.near(s.acquisitions, 1, math.maxinteger)
    if s.longest_hold_at then t.equal(s.longest_hold_at:find(":%d+$") ~= nil, true, s.longest_hold_at) end
    found[s.ident] = s.name
  end
  t.equal(found[thread.ident], "a waiter")
  t.equal(found[threading.get_ident()], threading.current_thread().name)
  t.equal(rawequal(gil.stats(), gil.stats()), false)
  waiting:set()
  t.join { thread }
  for _, s in ipairs(gil.stats().threads) do t.equal(s.ident == thread.ident, false) end
end)

-- The entry of the thread with that ident.
local function entry(stats, ident)
  for _, s in ipairs(stats.threads) do
    if s.ident == ident then return s end
  end
end

t.test("every wait of a thread is an acquisition, and a switch if another ran meanwhile", function()
  local me = threading.get_ident()
  local before = gil.stats()
  for _ = 1, 20 do threading.start(function() end):join() end
  local after = gil.stats()
  t.near(entry(after, me).acquisitions - entry(before, me).acquisitions, 20, math.maxinteger)
  t.near(after.switches - before.switches, 40, math.maxinteger)
  before = gil.stats()
  t.near(before.switches, after.switches, math.maxinteger)
end)

t.test("the threads' forced switches add up to the lock's, and so do their holds to the time", function()
  local _ <close> = restore()
  gil.switch_interval(1e-4)
  local counts, stop, threads = start_spinners(3)
  t.eventually(function() return counts[1] and counts[2] and counts[3] end, "the spinners to begin")
  local t0, before = time.monotonic_ns(), gil.stats() -- a switch in between is inside of the time
  t.eventually(function() return gil.stats().forced_switches > before.forced_switches end, "a forced switch")
  time.sleep(0.05)
  local t1, after = time.monotonic_ns(), gil.stats()
  local t2 = time.monotonic_ns()
  local forced, held = 0, 0
  for _, s in ipairs(after.threads) do
    local b = entry(before, s.ident)
    for _, field in ipairs { "acquisitions", "held_ns", "waited_ns", "forced_switches", "longest_hold_ns" } do
      has_grown(field, s[field], b[field])
    end
    forced = forced + s.forced_switches - b.forced_switches
    held = held + s.held_ns - b.held_ns
  end
  stop()
  t.equal(forced, after.forced_switches - before.forced_switches)
  t.near(forced, 1, after.switches - before.switches)
  t.near(held, (t1 - t0) / 2, (t2 - t0) * 1.05 + 1000000)
  for _, thread in ipairs(threads) do t.near(entry(after, thread.ident).waited_ns, 1, math.maxinteger) end
end)

t.test("a thread that does not leave the lock is signalled, and its longest hold is named", function()
  local _ <close> = restore()
  local before, stop, ident = gil.stats().signals, false, nil
  local thread = threading.start(function()
    ident = threading.get_ident()
    while not stop do end
  end)
  local s
  t.eventually(function()
    s = ident and entry(gil.stats(), ident)
    return s and s.forced_switches > 0 and s.longest_hold_at -- only a long one is named
  end, "a forced switch and a long hold")
  stop = true
  t.join { thread }
  if not t.polls then t.near(gil.stats().signals, before + 1, math.maxinteger) end
  t.near(s.longest_hold_ns, 1, math.maxinteger)
  t.equal(tostring(s.longest_hold_at):match("gil_test.lua:%d+$") ~= nil, true, tostring(s.longest_hold_at))
end)

t.finish()
