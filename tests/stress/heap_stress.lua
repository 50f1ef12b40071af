-- Threads share everything that a Lua heap has while the collector runs in every mode: coroutines resumed by whoever
-- comes first, closures over live frames of another thread, tracebacks of each other, deep recursion, patterns,
-- sorting, errors, close handlers. usage: heap_stress.lua [seconds [seed]]
local threading = require "gilua.threading"
local time = require "gilua.time"
local gil = require "gilua.gil"

local seconds = tonumber(arg[1]) or 6
local seed = tonumber(arg[2]) or tonumber(os.getenv "TEST_RANDOM_SEED") or 1
print(string.format("# %g seconds, seed %d", seconds, seed))
math.randomseed(seed)

local THREADS = 4
local stop = time.monotonic() + seconds
local shared = { coroutines = {}, functions = {}, threads = {}, switches = 0 }

-- a coroutine that does a bit of everything and yields from deep inside
local function wander(id)
  local log = setmetatable({}, { __index = function(_, k) return k end, __gc = function() shared.switches = shared.switches + 1 end })
  local function deep(n)
    if n == 0 then return coroutine.yield(id) end
    local keep <close> = setmetatable({}, { __close = function() log[n] = n end })
    return (deep(n - 1))
  end
  while true do
    deep(math.random(1, 60))
    log = setmetatable({}, getmetatable(log))
    local t = {}
    for i = 1, math.random(50) do t[i] = tostring(math.random(1000)) end
    table.sort(t, function(a, b) return a < b end)
    coroutine.yield(#t)
  end
end

for i = 1, 16 do shared.coroutines[i] = coroutine.create(wander) end

local actions = {}

function actions.resume()
  local i = math.random(#shared.coroutines)
  local co = shared.coroutines[i]
  local ok, err = coroutine.resume(co, i)
  if not ok then
    local closed = shared.coroutines[i] ~= co -- by another thread, since this one took it
    assert(err:find "cannot resume non%-suspended" or closed and err:find "cannot resume dead", err)
  elseif math.random(200) == 1 and coroutine.status(co) == "suspended" then
    shared.coroutines[i] = coroutine.create(wander)
    -- another thread may resume it between the question and the close
    local closed, why = pcall(coroutine.close, co)
    assert(closed or why:find "cannot close a", why)
  end
end

function actions.close_over()
  local n, text = 0, string.rep("x", math.random(100))
  shared.functions[math.random(8)] = function() n = n + 1; text = text .. n; return #text end
  for _ = 1, 50 do
    local f = shared.functions[math.random(8)]
    if f and f() > 4000 then shared.functions[math.random(8)] = nil end
    n = n + 1
  end
end

function actions.look_at_others()
  local co = shared.threads[math.random(THREADS)]
  if co then assert(debug.traceback(co, "look", 0):find "^look") end
  local c = shared.coroutines[math.random(#shared.coroutines)]
  assert(type(debug.traceback(c)) == "string")
end

function actions.recurse()
  local function f(n, ...) if n == 0 then return select("#", ...) end return 1 + f(n - 1, n, ...) end
  assert(f(math.random(20, 120)) > 0)
  local function nest(s) return (s:gsub(".", nest)) end -- C calls inside each other, to Lua's limit of 200
  if math.random(10) == 1 then
    local ok, err = pcall(nest, "x")
    assert(not ok and err:find "stack overflow", err)
  end
end

function actions.strings()
  local s = string.rep("abc ", math.random(200))
  local n = select(2, s:gsub("%w+", function(w) return w:upper() end))
  assert(n == #s // 4)
  local parts = {}
  for w in s:gmatch "%w+" do parts[#parts + 1] = w .. math.random(9) end
  assert(#table.concat(parts, ",") == n * 5 - 1)
end

function actions.errors()
  local depth = math.random(30)
  local closed = 0
  local function g(n)
    local mark <close> = setmetatable({}, { __close = function() closed = closed + 1 end })
    if n == 0 then error { depth = depth } end
    g(n - 1)
  end
  local ok, err = xpcall(g, function(e) return setmetatable(e, { trace = debug.traceback() }) end, depth)
  assert(not ok and err.depth == depth and closed == depth + 1)
end

function actions.tables()
  local t = {}
  for i = 1, math.random(500) do t[i] = { i } t["k" .. i] = t[i] end
  for k, v in pairs(t) do if type(k) == "string" then assert(t[v[1]] == v) end end
  local weak = setmetatable({ [t] = t }, { __mode = "k" })
  t = nil
  return weak
end

function actions.collect()
  local what = math.random(60)
  if what == 1 then collectgarbage()
  elseif what == 2 then collectgarbage("generational")
  elseif what == 3 then collectgarbage("incremental", math.random(100, 300), math.random(100, 400), math.random(5, 13))
  else collectgarbage("step") end
end

local names = {}
for name in pairs(actions) do names[#names + 1] = name end
table.sort(names)

local function work(i)
  shared.threads[i] = coroutine.running()
  local n = 0
  while time.monotonic() < stop do
    actions[names[math.random(#names)]]()
    n = n + 1
  end
  shared.threads[i] = nil
  return n
end

gil.switch_interval(2e-5)
local threads, total = {}, 0
for i = 1, THREADS do threads[i] = threading.start(work, i) end
for _, t in ipairs(threads) do total = total + t:result() end
local stats = gil.stats()
print(string.format("# %d actions, %d switches, %d forced", total, stats.switches, stats.forced_switches))
assert(total > 0 and stats.switches > 100)
print "ok - heap_stress"
