-- L6.2: profilers and the stock interpreter's Ctrl-C are hooks that C code sets. Preemption puts them back.
-- arg[1] is the module of hazard_module.c.
local t = require "testing"
local threading = require "gilua.threading"
local time = require "gilua.time"
local gil = require "gilua.gil"
local module = assert(package.loadlib("./" .. arg[1], "luaopen_hazard"))()

-- Ends the hook: returns its calls, or nil if it was lost. Preemption stands in its place for an instruction at most.
local function unhook()
  for _ = 1, 100 do
    local calls = module.unhook()
    if calls then return calls end
  end
end

-- Runs f while another thread forces a switch all the time.
local function preempted(f)
  local stop = false
  local spinner = threading.start(function() while not stop do end end)
  t.at_intervals(f, { 1e-6, 2e-5, 2e-4 })
  stop = true
  spinner:join()
end

t.test("L6.2 a count hook of a C module stays, and is called", function()
  preempted(function()
    module.hook("", 10)
    for _ = 1, 200000 do end
    local calls = unhook()
    assert(calls, "the hook is gone")
    assert(calls > 0, "it was not called")
  end)
end)

t.test("L6.2 a line hook of a C module sees every line, once", function()
  local function traced()
    local a = 1
    a = a + 1
    return a
  end
  local first = debug.getinfo(traced, "S").linedefined
  preempted(function()
    module.hook("l")
    for _ = 1, 500 do traced() end
    assert(unhook(), "the hook is gone")
    for line = first + 1, first + 3 do t.equal(module.line(line), 500, "line " .. line - first) end
  end)
end)

t.test("L6.2 coroutines that threads share keep the hooks of a C module", function()
  preempted(function()
    local coroutines = {}
    for i = 1, 4 do
      coroutines[i] = coroutine.create(function()
        module.hook("", 100)
        for _ = 1, 50 do
          for _ = 1, 500 do end
          coroutine.yield()
        end
        return unhook() ~= nil
      end)
    end
    local kept = {}
    t.join(t.start(4, function(first)
      repeat
        local alive = false
        for i = first, first + 3 do
          local co = coroutines[i % 4 + 1]
          local ok, there = coroutine.resume(co) -- another thread may have it
          if ok and there ~= nil then kept[co] = there end
          alive = alive or coroutine.status(co) ~= "dead"
        end
      until not alive
    end))
    for i, co in ipairs(coroutines) do t.equal(kept[co], true, "coroutine " .. i) end
  end)
end)

t.test("L6.2 a hook of a C module stays when the policy changes, and coroutines inherit it", function()
  module.hook("", 10)
  local policy = gil.policy()
  gil.policy(policy)
  assert(unhook(), "the hook is gone")
  module.hook("", 10)
  local hook, _, count = coroutine.wrap(debug.gethook)()
  assert(unhook())
  t.equal(hook, "external hook")
  t.equal(count, 10)
end)

t.test("L6.2 debug.sethook takes the place of a C module's hook while ours stands in for that", function()
  local lock = threading.Lock()
  for _ = 1, 20 do
    lock:acquire()
    local waiter = threading.start(function() lock:acquire() lock:release() end)
    time.sleep(0.002) -- until it waits; a release that grants the lock arms the granter
    local calls = 0
    module.hook("", 10)
    module.call_both(lock.release, lock, debug.sethook, function() calls = calls + 1 end, "", 10)
    for _ = 1, 2000 do end
    debug.sethook()
    waiter:join()
    assert(calls > 1, "it was not called")
    t.equal(debug.gethook(), nil)
    assert(not module.unhook(), "the hook of before is there again")
  end
end)

t.test("L6.2 a hook that a signal handler sets raises, as Ctrl-C in the stock interpreter", function()
  preempted(function()
    for _ = 1, 40 do
      local deadline = time.monotonic() + t.limit
      local ok, err = pcall(function()
        module.stop_after(500)
        while time.monotonic() < deadline do end
      end)
      assert(not ok, "the hook was lost")
      assert(tostring(err):find("stopped!", 1, true), err)
    end
  end)
end)

t.finish()
