-- A task gives what the same call gives here: random programs, called in this process and in every kind of pool.
--
--   TASKS=1000000 SEED=7 POOLS='process spawn' oracle_test.lua     a long run; POOLS: some of those below
--
-- A program is made from its seed twice: one is called here, the other one is sent. So what a call changes, it changes in its own.
local t = require "testing"
local futures = require "gilua.futures"
local multiprocessing = require "gilua.multiprocessing"
local Random = require "random"
local program = require "program"
local same = require "same"
local modules <close> = require "modules".new()

local tasks = tonumber(os.getenv "TASKS" or t.hostile and 20 or 1000)
local first_seed = tonumber(os.getenv "SEED" or 1)
local only = os.getenv "POOLS"
local early = { modules:write(), modules:write() }
for _, name in ipairs(early) do require(name) end

-- The modules that a program may use; one in eight programs has one of its own, which nobody has loaded.
local function names_for(r)
  if r:chance(88) then return early end
  return { early[1], modules:write() }
end

-- One call, made for both sides.
local Case = {}
Case.__index = Case

local function make(text)
  local f, args = assert(load(text, "=program"))()
  return { f, args }
end

function Case.new(seed)
  local r = Random.new(seed)
  local names = names_for(r)
  local text, made, here
  repeat -- a few end in an error before they have made their values
    text = program.text(r, names)
    made, here = pcall(make, text)
  until made
  local case = setmetatable({ seed = seed, text = text, here = here, there = make(text), walk = same.new() }, Case)
  case.walk:pair(case.here, case.there)
  return case
end

function Case:call_here()
  local f, args = table.unpack(self.here)
  self.want = table.pack(pcall(f, table.unpack(args, 1, args.n)))
end

function Case:check(pool, got)
  local ok, err = pcall(self.walk.check, self.walk, self.want, got, pool == "thread")
  if ok then return end
  if os.getenv "SHOW" then print(self.text) end
  error(("%s\n  seed %d, again: TASKS=1 SEED=%d POOLS=%s SHOW=1"):format(err, self.seed, self.seed, pool), 0)
end

-- How a number of cases is called: way(pool, cases) gives a function that gives the results of case i, as pcall's.
local function submit(pool, cases)
  local list = {}
  for i, case in ipairs(cases) do
    local f, args = table.unpack(case.there)
    list[i] = pool:submit(f, table.unpack(args, 1, args.n))
  end
  return function(i) return table.pack(pcall(list[i].result, list[i])) end
end

local function apply_async(pool, cases)
  local list = {}
  for i, case in ipairs(cases) do list[i] = pool:apply_async(table.unpack(case.there)) end
  return function(i) return table.pack(pcall(list[i].get, list[i])) end
end

local function call(f, args) return table.pack(pcall(f, table.unpack(args, 1, args.n))) end

local function starmap(pool, cases)
  local list = {}
  for i, case in ipairs(cases) do list[i] = case.there end
  local results = pool:starmap(call, list, 3)
  return function(i) return results[i] end
end

local function map(pool, cases)
  local fs, lists, results = {}, {}, {}
  for i, case in ipairs(cases) do fs[i], lists[i] = table.unpack(case.there) end
  for result in pool:map(call, fs, lists, { chunksize = 2 }) do results[#results + 1] = result end
  return function(i) return results[i] end
end

local process = futures.ProcessPoolExecutor
local pools = {
  { name = "thread", new = function() return futures.ThreadPoolExecutor { max_workers = 3 } end, ways = { submit, map } },
  { name = "process", new = function() return process { max_workers = 2 } end, ways = { submit, map } },
  { name = "spawn", new = function() return process { max_workers = 2, start = "spawn" } end, ways = { submit, map } },
  { name = "pool", new = function() return multiprocessing.Pool { processes = 2 } end, ways = { apply_async, starmap } },
}

-- Runs count cases with seeds from seed. A case alone is what it is among others: all of it follows from its seed.
local function run(kind, pool, count, seed)
  local r = Random.new(seed)
  while count > 0 do
    local cases = {}
    for i = 1, math.min(count, r:int(1, 12)) do
      cases[i] = Case.new(seed)
      seed = seed + 1
    end
    local result = r:pick(kind.ways)(pool, cases)
    for i, case in ipairs(cases) do
      case:call_here()
      case:check(kind.name, result(i))
    end
    count = count - #cases
  end
end

for i, kind in ipairs(pools) do
  if not only or only:find(kind.name) then
    t.test(("what a task gives is what the call gives here: %s, seed %d"):format(kind.name, first_seed), function()
      local pool <close> = kind.new()
      run(kind, pool, tasks, first_seed + (only and 0 or i * 1000000))
    end)
  end
end

t.test("one worker takes more than ten thousand functions, old ones among new ones", function()
  local pool <close> = process { max_workers = 1 }
  local count = t.hostile and 300 or 10500
  local known, asked = {}, {}
  for i = 1, count do
    known[i] = load(("local n = ... return %d, n"):format(i))
    asked[i] = pool:submit(known[i], known[i * 7 % i + 1], known[i // 2 + 1])
  end
  for i = 1, count do
    local number, other = asked[i]:result()
    t.equal(number, i)
    t.equal(other, known[i * 7 % i + 1])
  end
end)

t.finish()
