-- L6: preemption arms a hook on whatever runs; hooks that the user set, or did not set, are what they were.
local t = require "testing"
local threading = require "gilua.threading"

-- Runs f while another thread forces a switch all the time.
local function preempted(f)
  local stop = false
  local spinner = threading.start(function() while not stop do end end)
  t.at_intervals(f, { 1e-6, 2e-5 })
  stop = true
  spinner:join()
end

t.test("L6.1 coroutines made by a preempted creator have no hook", function()
  preempted(function()
    for _ = 1, 3000 do
      local co = coroutine.create(function() return debug.gethook() end)
      t.equal(debug.gethook(co), nil)
      t.equal(select(2, coroutine.resume(co)), nil)
    end
  end)
end)

t.test("L6.1 coroutines made by a creator with a hook have its mask, but no function, as in stock Lua", function()
  preempted(function()
    debug.sethook(function() end, "r")
    for _ = 1, 500 do
      local co = coroutine.wrap(function() return debug.gethook() end)
      local f, mask, count = co()
      t.equal(f, nil)
      t.equal(mask, "r")
      t.equal(count, 0)
    end
    debug.sethook()
  end)
end)

t.test("L6.3 a count hook fires in time although every preemption restarts it", function()
  preempted(function()
    local fired = 0
    debug.sethook(function() fired = fired + 1 end, "", 100000)
    for _ = 1, 1000000 do end -- a million FORLOOPs
    debug.sethook()
    assert(fired >= 9, fired)
  end)
end)

t.test("L6.4 setting and removing hooks while being preempted leaves what was set last", function()
  preempted(function()
    local lines = 0
    local function hook() lines = lines + 1 end
    for _ = 1, 3000 do
      debug.sethook(hook, "l")
      t.equal(debug.gethook(), hook)
      debug.sethook()
      t.equal(debug.gethook(), nil)
    end
    assert(lines > 0)
    local before = lines
    for _ = 1, 1000 do
      local _ = 1
    end
    t.equal(lines, before)
  end)
end)

t.test("L6 a line hook sees every line, once, under preemption", function()
  preempted(function()
    local seen = {}
    local function traced()
      local a = 1
      a = a + 1
      a = a + 2
      return a
    end
    debug.sethook(function(_, line) seen[#seen + 1] = line end, "l")
    for _ = 1, 200 do traced() end
    debug.sethook()
    local first, count = debug.getinfo(traced, "S").linedefined, {}
    for _, line in ipairs(seen) do count[line] = (count[line] or 0) + 1 end
    for line = first + 1, first + 4 do t.equal(count[line], 200, "line " .. line - first) end
  end)
end)

t.finish()
