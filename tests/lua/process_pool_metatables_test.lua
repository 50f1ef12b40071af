-- Oracle: what a task changes in tables that are each other's fields, metatables and keys comes back as the same call leaves it here.
local t = require "testing"
local futures = require "gilua.futures"
local native = require "gilua.native"
local pickle = require "gilua.pickle"
local P = require "processes"

local function value(random, tables)
  local kind = random(7)
  if kind == 1 then return native.buffer("u8", random(5)) end
  if kind <= 4 then return tables[random(#tables)] end
  return ({ 1, ("l"):rep(random(80)), false })[kind - 4]
end

local function build(random, n)
  local tables = {}
  for i = 1, n do tables[i] = {} end
  for _, o in ipairs(tables) do
    for k = 1, random(4) do o[({ k, "f" .. k, k / 8, true })[random(4)]] = value(random, tables) end
    if random(3) == 1 then setmetatable(o, tables[random(n)]) end
  end
  return tables
end

-- Alike here and in a worker: no pairs, and random numbers of its own.
local function change(tables, seed)
  local function random(n)
    seed = (seed * 1103515245 + 12345) % (1 << 31)
    return (seed >> 8) % n + 1
  end
  for _ = 1, random(6) do
    local o, what = tables[random(#tables)], random(4)
    if what == 1 then rawset(o, "m" .. random(3), random(100)) end
    if what == 2 then rawset(o, "f1", nil) end
    if what == 3 then rawset(o, "new", { random(9) }) end
    if what == 4 then rawset(o, "link", tables[random(#tables)]) end
  end
  local kept = {}
  for _, o in ipairs(tables) do
    if random(2) == 1 then kept[#kept + 1] = o end
  end
  return kept
end

-- The first path at which b holds something else than a. What came back as itself leads to tables of here, so only what they hold counts.
local function difference(a, b, path, seen)
  if type(a) == "userdata" and type(b) == "userdata" then return a ~= b and path end
  if type(a) ~= "table" or type(b) ~= "table" then return a ~= b and path end
  seen[a] = seen[a] or {}
  if seen[a][b] then return false end
  seen[a][b] = true
  for k, v in next, a do
    local found = difference(v, rawget(b, k), path .. "." .. tostring(k), seen)
    if found then return found end
  end
  for k in next, b do
    if rawget(a, k) == nil then return path .. "." .. tostring(k) end
  end
  return false
end

for i, start in ipairs { "fork", "spawn" } do
  P.test(start .. ": tables that a task changed and returns hold what the call leaves here", function()
    local pool <close> = futures.ProcessPoolExecutor { max_workers = 1, start = start }
    math.randomseed(i)
    for round = 1, t.hostile and 20 or 500 do
      local tables, seed = build(math.random, math.random(8)), math.random(1 << 30)
      local here = pickle.loads(pickle.dumps(tables), { functions = true })
      local there = pool:submit(change, tables, seed):result()
      t.equal(difference(change(here, seed), there, "result", {}), false, "round " .. round)
    end
  end)
end

-- A look at what leads to it that goes through the list once for each of them takes minutes.
P.test("a change at either end of a long list that leads both ways, below a metatable, comes back", function()
  local pool <close> = futures.ProcessPoolExecutor { max_workers = 1 }
  for _, changed in ipairs { "head", "tail" } do
    local meta = { head = { value = 1 } }
    meta.tail = meta.head
    for i = 2, t.hostile and 100 or 100000 do
      meta.tail.next = { value = i, prev = meta.tail }
      meta.tail = meta.tail.next
    end
    local _, got = pool:submit(function(o)
      local m = getmetatable(o)
      m[changed].value = "changed"
      return o, m
    end, setmetatable({}, meta)):result()
    t.equal(got[changed].value, "changed")
    t.equal(got.head.next.prev.value, got.head.value)
    t.equal(meta[changed].value ~= "changed", true)
  end
end)

t.finish()
