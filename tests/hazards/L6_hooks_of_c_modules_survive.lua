-- L6.2: profilers and the stock interpreter's Ctrl-C are hooks that C code sets. Preemption puts them back.
-- arg[1] is the module of hazard_module.c.
local t = require "testing"
local threading = require "gilua.threading"
local time = require "gilua.time"
local module = assert(package.loadlib("./" .. arg[1], "luaopen_hazard"))()

-- For one instruction the module may see the hook of a preemption, so it is asked again.
local function unhook()
  local deadline, calls = time.monotonic() + t.limit, nil
  repeat calls = module.unhook() until calls or time.monotonic() > deadline
  return calls
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
    t.near(assert(unhook(), "the hook is gone"), 1000, math.huge)
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
    t.join(t.start(4, function()
      local alive
      repeat
        alive = false
        for i, co in ipairs(coroutines) do
          local ok, there = coroutine.resume(co) -- another thread may have it
          if ok and there then kept[i] = true end
          alive = alive or coroutine.status(co) ~= "dead"
        end
      until not alive
    end))
    for i = 1, 4 do t.equal(kept[i], true, "coroutine " .. i) end
  end)
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
