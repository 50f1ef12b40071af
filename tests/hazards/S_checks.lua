-- The hazards S1 … S18 that can be checked from Lua, one test each, named after them.
local t = require "testing"
local gilua = require "gilua"
local threading, time, gil = gilua.threading, gilua.time, gilua.gil

t.test("S1 a thread with a very deep stack is preempted, and not all the time", function()
  local ticks, done = 0, false
  local spinner = threading.start(function() while not done do ticks = ticks + 1 end end)
  local old = gil.switch_interval(2e-5)
  local signals = gil.stats().signals
  local deadline = time.monotonic() + t.limit
  local function deep(n)
    if n > 0 then return 1 + deep(n - 1) end
    local before = ticks
    for _ = 1, 2e6 do end
    while ticks == before do assert(time.monotonic() < deadline, "it is not preempted") end
    return 0
  end
  t.equal(deep(100000), 100000)
  gil.switch_interval(old)
  signals = gil.stats().signals - signals
  done = true
  spinner:join()
end)

t.test("S2 the message handler of a cancelled xpcall runs to its end", function()
  local steps, inside
  local thread = threading.start(function()
    xpcall(function() inside = true while true do end end, function() steps = 0 for _ = 1, 100000 do steps = steps + 1 end end)
    return steps
  end)
  t.eventually(function() return inside end)
  thread:cancel()
  t.equal(thread:result(), 100000)
end)

t.test("S4 a cancel raised inside a coroutine is what resume returns", function()
  local started = false
  local thread = threading.start(function()
    local co = coroutine.create(function() started = true while true do end end)
    return coroutine.resume(co)
  end)
  t.eventually(function() return started end)
  thread:cancel("enough")
  local ok, err = thread:result()
  t.equal(ok, false)
  t.equal(gilua.is_error(err, "cancelled"), true)
  t.equal(err.message, "enough")
end)

t.test("S6 a running coroutine that nothing else refers to is not collected", function()
  local stop = false
  local spinner = threading.start(function() while not stop do collectgarbage("step") end end)
  t.at_intervals(function()
    for _ = 1, 300 do
      local n = coroutine.wrap(function() local s = 0 for i = 1, 50 do s = s + #tostring({}) * 0 + i end return s end)()
      t.equal(n, 1275)
    end
  end, { 1e-6, 2e-5 })
  stop = true
  spinner:join()
end)

t.test("S7 the bottom of a thread is no coroutine: not for itself, not for others", function()
  local base, release = nil, threading.Event()
  local thread = threading.start(function()
    local co, main = coroutine.running()
    base = co
    t.equal(main, true)
    t.equal(coroutine.isyieldable(), false)
    t.raises("attempt to yield from outside a coroutine", coroutine.yield, 1)
    release:wait()
    return 1, 2
  end)
  t.parked(thread, "event")
  t.equal(coroutine.status(base), "normal")
  local ok, err = coroutine.resume(base)
  t.equal(ok, false)
  assert(err:find "cannot resume non%-suspended coroutine", err)
  t.raises("cannot close a normal coroutine", coroutine.close, base)
  release:set()
  thread:result()
  t.equal(coroutine.status(base), "dead")
  ok, err = coroutine.resume(base)
  t.equal(ok, false)
  assert(err:find "cannot resume dead coroutine", err)
end)

t.test("S13 threads have the mask of the program: no handler of others is installed", function()
  local release = threading.Event()
  local threads = t.start(2, function() release:wait() end)
  t.parked(threads)
  for _, thread in ipairs(threads) do
    local blocked
    for line in io.lines("/proc/self/task/" .. thread.native_id .. "/status") do
      blocked = blocked or line:match("^SigBlk:%s+(%x+)")
    end
    blocked = tonumber(blocked, 16)
    local function is_blocked(signal) return blocked >> (signal - 1) & 1 == 1 end
    for signal = 1, 64 do t.equal(is_blocked(signal), false, "signal " .. signal) end
  end
  release:set()
  t.join(threads)
end)

t.test("S15 the longest hold names the line of the call that did not leave the lock", function()
  local thread = threading.start(function()
    local big = string.rep("a", 2e7) -- longer than the system lets others run in between
    time.sleep(0)
    local line = debug.getinfo(1, "l").currentline + 1
    big:gsub("a", "b") -- one long C call
    time.sleep(0)
    for _, s in ipairs(gil.stats().threads) do
      if s.ident == threading.get_ident() then return line, s.longest_hold_at, s.longest_hold_ns end
    end
  end)
  local line, at, ns = thread:result()
  assert(at:find "S_checks.lua:%d+$", at)
  t.near(tonumber(at:match "%d+$"), line, line + 1)
  assert(ns > 0)
end)

t.test("S16 two coroutines of a thread share its RLock", function()
  local lock = threading.RLock()
  local a = coroutine.wrap(function() lock:acquire() coroutine.yield() lock:release() end)
  a()
  t.equal(lock:held(), true)
  coroutine.wrap(function() assert(lock:acquire(false)) lock:release() end)()
  a()
  t.equal(lock:locked(), false)
end)

t.finish()
