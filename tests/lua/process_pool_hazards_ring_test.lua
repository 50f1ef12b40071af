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

local KINDS = { "more was written than there is room", "no kind of record", "no slot", "another task's result",
                "a size beyond all memory", "noise everywhere" }

for kind, what in ipairs(KINDS) do
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

P.test("a worker that claims to have read what was not written is killed when more is to be written (R8)", function()
  local pool <close> = new { max_workers = 1 }
  local spoiler = pool:submit(function(library)
    require "gilua.ctypes".load(library):func("spoil_head", "int", {})()
    return P.pid()
  end, path):result()
  t.eventually(function()
    local f = pool:submit(function(s) return #s end, ("x"):rep(1 << 20)) -- begun by it or not when it is killed
    local ok, result = pcall(f.result, f)
    if ok then t.equal(result, 1 << 20) else t.equal(result.kind, "worker_died") end
    return not P.alive(spoiler)
  end)
  t.equal(pool:submit(math.abs, -3):result(), 3)
end)

P.test("nonsense is no retry of another kind: retries hold, and end (R8)", function()
  local pool <close> = new { max_workers = 1, retries = 2 }
  local tries = os.tmpname()
  local bad = pool:submit(function(library, name)
    P.append(name, "try")
    return spoil(library, 2)
  end, path, tries)
  local err = t.raises_kind("worker_died", bad.result, bad)
  t.equal(err.cause, "protocol")
  t.equal(#P.lines(tries), 3)
  os.remove(tries)
end)

t.finish()
