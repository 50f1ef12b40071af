-- Workers gone wild: what they write into the ring is believed by nobody. Hazard R8. arg[1] is the library of
-- tests/support/hazards_library.c.
local t = require "testing"
local futures = require "gilua.futures"
local P = require "processes"
local new = futures.ProcessPoolExecutor

local path = os.getenv("TEST_ROOT") .. "/" .. arg[1]

-- A task: writes nonsense of that kind, and waits for what comes of it.
local function spoil(library, kind)
  local spoil_ring = require "gilua.ctypes".load(library):func("spoil_ring", "int", { "int" })
  if spoil_ring(kind) == 0 then return "no ring" end
  while true do require "gilua.time".sleep(1) end
end

local KINDS = { "more was written than there is room", "more was read than was written", "no kind of record", "no slot",
                "another task's result", "a size beyond all memory", "noise everywhere" }
local TASKS_HEAD = 2

for kind, what in ipairs(KINDS) do
  if kind ~= TASKS_HEAD then
    P.test(what .. ": the worker is killed, its task fails with cause protocol, the others are done (R8)", function()
      local pool <close> = new { max_workers = 1 }
      for _ = 1, t.hostile and 1 or 3 do
        local bad, good = pool:submit(spoil, path, kind), pool:submit(math.abs, -3)
        local err = t.raises_kind("worker_died", bad.result, bad)
        t.equal(err.cause, "protocol")
        t.equal(math.type(err.pid), "integer")
        t.equal(P.alive(err.pid), false)
        t.equal(good:result(), 3)
      end
    end)
  end
end

P.test("a worker that claims to have read what was not written is killed when more is to be written (R8)", function()
  local pool <close> = new { max_workers = 1 }
  local fs = {}
  for i = 1, 200 do fs[i] = pool:submit(math.abs, i) end -- learns that tasks are short: sends ahead
  for i = 1, 200 do fs[i]:result() end
  local bad = pool:submit(spoil, path, TASKS_HEAD)
  t.eventually(function() return bad:running() end)
  local more = {}
  for i = 1, 5 do more[i] = pool:submit(string.len, ("x"):rep(1 << 20)) end
  t.equal(t.raises_kind("worker_died", bad.result, bad).cause, "protocol")
  for i = 1, 5 do t.equal(more[i]:result(), 1 << 20) end
end)

P.test("nonsense is no retry of another kind: retries hold, and end (R8)", function()
  local pool <close> = new { max_workers = 1, retries = 2 }
  local tries = os.tmpname()
  local bad = pool:submit(function(library, name)
    P.append(name, "try")
    return spoil(library, 3)
  end, path, tries)
  local err = t.raises_kind("worker_died", bad.result, bad)
  t.equal(err.cause, "protocol")
  t.equal(#P.lines(tries), 3)
  os.remove(tries)
end)

t.finish()
