-- A task gives what the same call gives here: random programs, called in this process and in every kind of pool.
--
--   TASKS=1000000 SEED=7 POOLS='process spawn' oracle_test.lua     a long run; POOLS: some of those below
--
-- A program has some calls. One copy of its values is sent, and stays as it is; each call here has a copy of its own to change.
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

-- One call of a program, made for both sides.
local Case = {}
Case.__index = Case

-- A program, and the values that are sent. Its functions go over the same link as often as it has calls.
local function program_of(seed)
  local r = Random.new(seed)
  local names = names_for(r)
  local text, make, made, there
  repeat -- a few end in an error before they have made their values
    text = program.text(r, names)
    make = assert(load(text, r:chance(20) and text or "=program")) -- without a name its text is its name
    made, there = pcall(make)
  until made
  return { seed = seed, text = text, make = make, there = there, names = names }
end

-- The name of every module that is loaded is looked at for each message: what was a program's own is dropped after it.
local function forget(p)
  for _, name in ipairs(p.names) do
    if name ~= early[1] and name ~= early[2] then package.loaded[name] = nil end
  end
end


-- alone: with a copy of the values for this call only.
function Case.new(p, i, alone)
  local case = setmetatable({ program = p, call = i, here = p.make()[i], walk = same.new() }, Case)
  case.there = (alone and p.make() or p.there)[i]
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
  local p = self.program
  if os.getenv "SHOW" then print(p.text) end
  error(("%s\n  call %d of seed %d, again: TASKS=1 SEED=%d POOLS=%s SHOW=1"):format(err, self.call, p.seed, p.seed, pool), 0)
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

-- Ways that put several calls into one message: there they would change each other's values.
local together = { [map] = true, [starmap] = true }

local process = futures.ProcessPoolExecutor
local pools = {
  { name = "thread", new = function() return futures.ThreadPoolExecutor { max_workers = 3 } end, ways = { submit, map } },
  { name = "process", new = function() return process { max_workers = 2 } end, ways = { submit, map } },
  { name = "spawn", new = function() return process { max_workers = 2, start = "spawn" } end, ways = { submit, map } },
  { name = "pool", new = function() return multiprocessing.Pool { processes = 2 } end, ways = { apply_async, starmap } },
}

-- How many functions of the program a case sends.
local function functions(case)
  local n = 0
  for f in pairs(case.walk.paired) do n = n + (type(f) == "function" and 1 or 0) end
  return n
end

-- Runs the calls of programs with seeds from seed, until there were count. A program alone is what it is among others: all of
-- it follows from its seed. Returns how many calls, programs and functions there were.
local function run(kind, pool, count, seed)
  local r = Random.new(seed)
  local done, sent, first = 0, 0, seed
  while done < count do
    local way, programs, cases = r:pick(kind.ways), {}, {}
    for _ = 1, r:int(1, 4) do
      local p, most = program_of(seed), 0
      programs[#programs + 1] = p
      for i = 1, #p.there do
        local case = Case.new(p, i, kind.name == "thread" or together[way])
        cases[#cases + 1] = case
        most = math.max(most, functions(case))
      end
      seed, sent = seed + 1, sent + most
      if done + #cases >= count then break end
    end
    local result = way(pool, cases)
    for i, case in ipairs(cases) do
      case:call_here()
      case:check(kind.name, result(i))
    end
    for _, p in ipairs(programs) do forget(p) end
    done = done + #cases
  end
  return done, seed - first, sent
end

for i, kind in ipairs(pools) do
  if not only or only:find(kind.name) then
    t.test(("what a task gives is what the call gives here: %s, seed %d"):format(kind.name, first_seed), function()
      local pool <close> = kind.new()
      local done, programs, sent = run(kind, pool, tasks, first_seed + (only and 0 or i * 1000000))
      print(("# %d calls of %d programs, at least %d functions"):format(done, programs, sent))
    end)
  end
end

if not only then
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
end

t.finish()
