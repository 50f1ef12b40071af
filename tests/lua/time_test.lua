-- gilua.time: clocks and sleep.
local t = require "testing"
local threading = require "gilua.threading"
local time = require "gilua.time"
local gil = require "gilua.gil"

t.test("clocks are floats in seconds, their _ns forms integers", function()
  for _, name in ipairs { "time", "monotonic", "perf_counter" } do
    t.equal(math.type(time[name]()), "float", name)
    t.equal(math.type(time[name .. "_ns"]()), "integer", name .. "_ns")
    local seconds, ns = time[name](), time[name .. "_ns"]()
    t.near(ns / 1e9 - seconds, -0.001, t.limit, name) -- read one after the other, on one clock
  end
end)

t.test("time is the time of day", function()
  t.near(os.time() - time.time(), -1.1, t.limit) -- os.time reads a clock that ticks
  t.near(os.time() - time.time_ns() // 1000000000, -1, t.limit)
end)

t.test("monotonic and perf_counter never go back, and go on while others run", function()
  for _, clock in ipairs { time.monotonic, time.monotonic_ns, time.perf_counter, time.perf_counter_ns } do
    local first = clock()
    local last = first
    for _ = 1, 2000 do
      local now = clock()
      if now < last then error("went back from " .. last .. " to " .. now) end
      last = now
    end
    time.sleep(0.002)
    t.near(clock(), last + (math.type(last) == "integer" and 1000000 or 0.001), math.huge)
  end
end)

t.test("all threads read the same monotonic clock", function()
  for _ = 1, 20 do
    local before = time.monotonic_ns()
    local between = threading.start(time.monotonic_ns):result()
    t.near(between, before, time.monotonic_ns())
  end
end)

t.test("sleep takes about the time it is told, and returns nothing", function()
  for _, seconds in ipairs { 0.001, 0.02 } do
    local t0 = time.monotonic()
    t.equal(select("#", time.sleep(seconds)), 0)
    t.near(time.monotonic() - t0, 0.99 * seconds, t.limit)
  end
  local t0 = time.monotonic()
  time.sleep(1e-9)
  time.sleep(0)
  time.sleep(-0.0)
  t.near(time.monotonic() - t0, 0, t.limit)
end)

t.test("sleep takes integers, and no other nonsense", function()
  time.sleep(0)
  t.raises("number expected, got no value", time.sleep)
  t.raises("number expected, got nil", time.sleep, nil)
  t.raises("number expected, got string", time.sleep, "soon")
  t.raises("number expected, got table", time.sleep, {})
  t.raises("number expected, got boolean", time.sleep, true)
  t.raises("negative or NaN", time.sleep, -1)
  t.raises("negative or NaN", time.sleep, -1e-300)
  t.raises("negative or NaN", time.sleep, -math.huge)
  t.raises("negative or NaN", time.sleep, 0 / 0)
  t.raises("too large", time.sleep, math.huge)
  t.raises("too large", time.sleep, threading.TIMEOUT_MAX * 1.01)
end)

t.test("others run while a thread sleeps", function()
  local n, awake = 0, false
  local thread = threading.start(function()
    while not awake do n = n + 1 end
  end)
  for _ = 1, 5 do
    local before = n
    t.eventually(function() return n > before end, "the other to run")
  end
  awake = true
  t.join { thread }
end)

t.test("ten threads sleep at the same time, not one after the other", function()
  local threads = t.start(10, function() time.sleep(1e6) end)
  t.parked(threads, "sleep")
  for _, thread in ipairs(threads) do thread:cancel() end
  for _, thread in ipairs(threads) do t.raises_kind("cancelled", thread.result, thread) end
end)

t.test("a short sleep ends while a long one goes on", function()
  local long = threading.start(time.sleep, 1e6)
  t.parked(long, "sleep")
  t.join(t.start(3, function() time.sleep(0.001) end))
  t.equal(long.waits_for, "sleep")
  long:cancel()
  t.raises_kind("cancelled", long.result, long)
end)

t.test("sleep(0) lets another thread in that is ready", function()
  local turns, other_ready, stop = 0, false, false
  local thread = threading.start(function()
    other_ready = true
    while not stop do
      turns = turns + 1
      time.sleep(0)
    end
  end)
  t.eventually(function() return other_ready end)
  for _ = 1, 50 do
    local before = turns
    local deadline = time.monotonic() + t.limit
    while turns == before do -- no time passes in sleep(0), only a turn
      time.sleep(0)
      assert(time.monotonic() < deadline)
    end
  end
  stop = true
  t.join { thread }
end)

t.test("the longest sleep ends by a cancel", function()
  local thread = threading.start(time.sleep, threading.TIMEOUT_MAX)
  t.parked(thread, "sleep")
  thread:cancel("wake up")
  t.equal(t.raises_kind("cancelled", thread.result, thread).message, "wake up")
end)

t.test("a cancel that came before the sleep ends it at once", function()
  local old = gil.switch_interval(1) -- so that the thread does not run before it is cancelled
  local thread = threading.start(time.sleep, 1e6)
  thread:cancel()
  gil.switch_interval(old)
  t.raises_kind("cancelled", thread.result, thread)
end)

t.finish()
