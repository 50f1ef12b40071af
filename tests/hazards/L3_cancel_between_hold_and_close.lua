-- L3: a cancel may land at any instruction, but not between hold() and its <close> variable: the lock is never leaked.
local t = require "testing"
local threading = require "gilua.threading"

local function bombard(what, object, use)
  t.test("a cancelled thread leaves no " .. what .. " behind, wherever it is hit", function()
    t.at_intervals(function()
      for _ = 1, 50 do
        local running = false
        local thread = threading.start(function()
          while true do
            use(object)
            running = true
          end
        end)
        while not running do end
        for _ = 1, math.random(0, 300) do end
        thread:cancel()
        assert(thread:join(t.limit))
        t.equal(object:acquire(false), true)
        object:release()
      end
    end, { 1e-6, 2e-5, 1e-3 })
  end)
end

bombard("Lock", threading.Lock(), function(lock) local _ <close> = lock:hold() end)
bombard("RLock", threading.RLock(), function(lock)
  local _ <close> = lock:hold()
  local _ <close> = lock:hold()
end)
bombard("semaphore", threading.Semaphore(1), function(sem) local _ <close> = sem:hold() end)
bombard("condition", threading.Condition(), function(cond) local _ <close> = cond:hold() end)
bombard("Lock held by with", threading.Lock(), function(lock) lock:with(function() local _ = 1 + 1 end) end)

t.test("a cancel that is pending when the lock is granted is raised once it is held, and the lock released", function()
  for _ = 1, 200 do
    local lock = threading.Lock()
    lock:acquire()
    local thread = threading.start(function()
      local _ <close> = lock:hold()
      while true do end
    end)
    t.parked(thread)
    lock:release()
    thread:cancel()
    assert(thread:join(t.limit))
    t.equal(lock:locked(), false)
  end
end)

t.finish()
