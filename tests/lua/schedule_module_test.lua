-- gilua.schedule.
local t = require "testing"
local schedule = require "gilua.schedule"
local threading = require "gilua.threading"

t.may_keep["shared mappings"] = 2

local n
local function count(body)
  return function()
    n = 0
    local a, b = threading.start(body), threading.start(body)
    a:join()
    b:join()
  end
end
local function add() n = n + 1 end
local function is_two() return n == 2 end

t.test("a check that fails in some order of the threads is found, with its lines and switches", function()
  local x = schedule.explore { run = count(add), check = is_two, runs = 100 }
  t.equal(x.failed, true)
  t.equal(x.outcome, "error")
  assert(x.error:find("check() returned false", 1, true), x.error)
  assert(x.report:find("--- is preempted here ---", 1, true), x.report)
  assert(x.run >= 1 and x.runs >= x.run and #x.schedule >= 1)
  assert(math.type(x.schedule[1].thread) == "integer" and x.schedule[1].instruction and x.schedule[1].next)
  t.equal(n, nil)
end)

t.test("what is right fails in no order", function()
  local lock = threading.Lock()
  local x = schedule.explore { check = is_two, runs = 50, strategy = "pct", depth = 2, jobs = 1, run = count(function()
    local _ <close> = lock:hold()
    add()
  end) }
  t.equal(x.failed, false)
  t.equal(x.runs, 51)
  assert(x.distinct > 1 and x.outcome == nil and x.schedule == nil)
end)

t.test("an error is told with where it came from, and a deadlock is known as one", function()
  local x = schedule.explore { runs = 0, run = function() error { "no text" } end }
  assert(x.failed and x.outcome == "error" and x.run == 0, x.error)
  x = schedule.explore { runs = 0, run = function() local l = threading.Lock() l:acquire() l:acquire() end }
  t.equal(x.outcome, "deadlock")
end)

t.test("the caller's coroutine and its variables are there", function()
  local seen = coroutine.wrap(function()
    local here = "x"
    return schedule.explore { runs = 5, run = function() assert(here == "x" and coroutine.isyieldable() ~= nil) end }
  end)()
  t.equal(seen.failed, false)
end)

t.test("wrong options are errors that name them", function()
  t.raises("missing field 'run'", schedule.explore, {})
  t.raises("strategy", schedule.explore, { run = print, strategy = "luck" })
  t.raises("depth", schedule.explore, { run = print, depth = 0 })
  t.raises("fast", schedule.explore, { run = print, fast = true })
  t.raises("table expected", schedule.explore, print)
end)

t.test("it says so if other threads run", function()
  local gate = threading.Event()
  local other = threading.start(gate.wait, gate)
  t.raises("other threads run", schedule.explore, { run = print })
  gate:set()
  other:join()
end)

t.finish()
