-- debug.lua SEED STEPS: random calls of debug, load and require, right and wrong ones, hooks of every mask among them; all that comes back is
-- printed. lua5.4 and gilua must print the same.
local common = require "common"
local random, pick = common.generator(tonumber(arg[1]) or 1)

local function show(value)
  if type(value) == "string" then return common.quote(value) end
  if math.type(value) then return math.type(value) .. ":" .. tostring(value) end
  if type(value) == "table" then return "table of " .. #value end
  return (tostring(value):gsub(":? .*", ""))
end
local report = common.reporter(show, io.stdout)

-- Functions of every shape to be looked at; `first` and `second` share an upvalue.
local shared, other = 1, { "up" }
local function first(a, b, ...)
  local c <const>, d = a, { ... }
  shared = c
  return d, b
end
local function second() return shared, other end
local function third() return other end
local sleeper = coroutine.create(function(n)
  local inner = n * 2
  local function deeper() coroutine.yield(inner) end
  deeper()
end)
coroutine.resume(sleeper, 21)
local dead = coroutine.create(function() error "dead" end)
coroutine.resume(dead)
local fresh = coroutine.create(first)

local VALUES = { 0, 1, 2, 3, 5, -1, 100, 1.5, "1", "nSltufrL", "S", "l", ">S", "x", "", first, second, third, rawlen, sleeper, dead, fresh, true,
  false, io.stdout, other, "crl", "c", "text", 1 << 40, 0 / 0 }
local function arguments()
  local list = { n = random(0, 4) }
  for i = 1, list.n do list[i] = random(8) == 1 and nil or pick(VALUES) end
  return list
end

local actions = {}

local FIELDS = { "name", "namewhat", "what", "short_src", "source", "currentline", "linedefined", "lastlinedefined", "nups", "nparams",
  "isvararg", "istailcall", "ftransfer", "ntransfer", "func", "activelines" }
local function fields_of(t)
  if type(t) ~= "table" then return t end
  local list = {}
  for _, name in ipairs(FIELDS) do if t[name] ~= nil then list[#list + 1] = name .. "=" .. show(t[name]) end end
  return table.concat(list, " ")
end

function actions.getinfo(step)
  local letters = {}
  for _ = 1, random(0, 4) do letters[#letters + 1] = pick { "n", "S", "l", "t", "u", "f", "r", "L" } end
  local what = random(5) == 1 and pick(VALUES) or table.concat(letters)
  local of = pick { 0, 1, 2, 3, 50, first, rawlen, sleeper, string.rep }
  local call = pick { function() return debug.getinfo(of, what) end, function() local r = debug.getinfo(of, what) return r end,
    function() return debug.getinfo(of) end, function() return debug.getinfo(pick { sleeper, dead, fresh }, pick { 0, 1, 2, 9 }, what) end }
  local fine, t = pcall(call)
  report(step, "getinfo " .. show(of) .. show(what), fine, fields_of(t))
end

local NAMES = { "getinfo", "getlocal", "getupvalue", "getmetatable", "gethook", "getuservalue", "traceback", "upvalueid", "getregistry",
  "sethook" }
function actions.any(step)
  local name, args = pick(NAMES), arguments()
  local call = load(("return function(...) return debug.%s(...) end"):format(name), "=call")()
  local results = table.pack(pcall(call, table.unpack(args, 1, args.n)))
  debug.sethook()
  if name == "getregistry" then results = { true, n = 1 } end
  if name == "getinfo" then results[2] = fields_of(results[2]) end
  if name == "gethook" then results[2] = type(results[2]) end
  for i = 1, args.n do args[i] = show(args[i]) end
  report(step, name .. " " .. table.concat(args, ",", 1, args.n), table.unpack(results, 1, results.n))
end
actions.any2 = actions.any

-- What programs see of the libraries' own functions.
local LIBRARY = {}
for name, lib in pairs { coroutine = coroutine, debug = debug, file = getmetatable(io.stdout).__index, io = io, math = math, os = os,
    package = package, searchers = package.searchers, string = string, table = table, utf8 = utf8, _G = _G } do
  for key, value in pairs(lib) do
    if type(value) == "function" then LIBRARY[#LIBRARY + 1] = { name = name .. "." .. key, f = value } end
  end
end
table.sort(LIBRARY, function(one, two) return one.name < two.name end)
function actions.library(step)
  local one = pick(LIBRARY)
  report(step, one.name, fields_of(debug.getinfo(one.f)), debug.getupvalue(one.f, random(0, 3)))
end

function actions.locals(step)
  local a, b <const>, c = step, "constant", nil
  local function look(...)
    local mine = { ... }
    for i = -3, 5 do report(step, "mine", debug.getlocal(1, i)) end
    local index = random(-2, 6)
    report(step, "set", index, debug.setlocal(2, random(5), "changed"))
    return mine
  end
  look(pick(VALUES), 2)
  report(step, "after", a, b, c)
  report(step, "of a function", debug.getlocal(first, random(0, 4)))
  report(step, "of a coroutine", pcall(debug.getlocal, pick { sleeper, dead, fresh }, random(0, 3), random(-1, 4)))
end

function actions.upvalues(step)
  local f, i, g, k = pick { first, second, third }, random(0, 3), pick { first, second, third }, random(0, 3)
  report(step, "get", debug.getupvalue(f, i))
  local fine, one, two = pcall(function() return debug.upvalueid(f, i), debug.upvalueid(g, k) end)
  report(step, "same", fine, fine and (one == two) or one)
  local copy = load(string.dump(second))
  report(step, "join", pcall(debug.upvaluejoin, copy, random(0, 3), g, k))
  report(step, "set", pcall(debug.setupvalue, copy, random(0, 3), pick(VALUES)))
  report(step, "wrong", pcall(debug.upvaluejoin, pick(VALUES), random(3), pick(VALUES), random(3)))
end

-- What a hook sees of a small program; counts only, where the steps of the two systems could differ by one.
function actions.hook(step)
  local mask, count, seen = pick { "c", "r", "l", "cr", "crl", "", "x", "lx" }, pick { 0, 0, 7, 100 }, {}
  local raise, live = random(4) == 1 and random(12) or math.huge, false
  local function hook(event, line)
    local info = debug.getinfo(2, "nSlt")
    seen[#seen + 1] = event .. ":" .. tostring(line) .. ":" .. tostring(info.name) .. ":" .. tostring(info.istailcall)
    if not live or #seen < raise then return end
    live = false
    error("from the hook", 2)
  end
  local function inner(n) if n > 0 then return inner(n - 1) end end
  local function program()
    live = true
    inner(2)
    for _ = 1, 2 do math.abs(-1) end
    local co = coroutine.wrap(function() coroutine.yield(1) end)
    co()
    co()
    live = false
  end
  local target = random(3) == 1 and coroutine.create(program) or nil
  if target then debug.sethook(target, hook, mask, count) else debug.sethook(hook, mask, count) end
  local of, m, c = debug.gethook(target)
  local fine, e = pcall(function() if target then return coroutine.resume(target) end program() end)
  live = false
  debug.sethook()
  report(step, "hook " .. mask .. count, of == hook, m, c, fine, e, #seen > 0)
  if count == 0 then report(step, "events", table.concat(seen, " ")) end
end

function actions.traceback(step)
  local results
  local function deep(n) if n > 0 then deep(n - 1) else results = table.pack(pcall(debug.traceback, pick { "text", 5, true, "" }, pick { 0, 1, 2, 5, 30 })) end end
  pick { function() deep(random(30)) end, function() return (deep(3)) end, coroutine.wrap(function() deep(2) end) }()
  report(step, "traceback", table.unpack(results, 1, results.n))
  report(step, "of", pcall(debug.traceback, pick { sleeper, dead, fresh, 5, {} }, pick { "text", 1, false }, pick { 0, 1, 2 }))
end

local CHUNKS = { "return ...", "return 1, 2, 3", "x = = 1", "return function() return _ENV end", "goto out; local a; ::out::", "goto nowhere",
  "::twice:: ::twice::", "break", "local x <const> = 1; x = 2", "local x <close> = nil return 'closed'", "local x <bad> = 1", "return 'open",
  "return 7 // 2, -7 // 2, 7 // -2.0, 1 // 0.0, -7 % 3, 7 % -3, 5.5 // 1", "return 3 | 4, 7 & 2, 1 << 63, 1 >> 1, ~0, 5 ~ 3", "return 2.5 | 1",
  "return 1 // 0", "return 0x7fffffffffffffff + 1, 1e308 * 10, 0x1p4, 3 == 3.0", "return ('%q'):format(1/0), ('%a'):format(1), ('%i'):format(3.0)",
  "return string.pack('>i4z', 7, 'x'), string.unpack('<I2', 'ab')", "for i = 3, 1, -1 do goto next print(i) ::next:: end return 'looped'",
  "return _ENV == nil, x", "--[==[ ]] ]==] return 'long'", "return '\\u{7FFFFFFF}', '\\x41\\65\\z   b'", "return #...", "\27Lua", "" }
function actions.load(step)
  local text, mode, env = pick(CHUNKS), pick { nil, "t", "b", "bt", "x" }, pick { false, { x = "of env" } }
  local source = pick { text, text, function() local t = text; text = nil return t end, function() return pick { 5, {}, nil } end, 5, {} }
  local fine, f, why
  if env then fine, f, why = pcall(load, source, pick { "=name", "@file", "text\nof code" }, mode, env) else fine, f, why = pcall(load, source, nil, mode) end
  report(step, "load", fine, f, why)
  if fine and f then report(step, "run", pcall(f, "argument", 2)) end
end
actions.load2 = actions.load

function actions.require(step)
  local name = pick { "one", "two", "bad", "none", "a.b", "preloaded", "string", "of searcher" }
  package.preload.preloaded = pick { function(...) return ... end, function() error "in preload" end }
  table.insert(package.searchers, 2, function(n) if n == "of searcher" then return function(...) return { ... }, "extra" end, "data" end return pick { nil, "not here" } end)
  package.path = "./req_?.lua"
  report(step, "require " .. name, pcall(require, name))
  table.remove(package.searchers, 2)
  report(step, "searchpath", pcall(package.searchpath, name, pick { "./req_?.lua", "?;?.x", "" }, pick { ".", "", "x" }))
  package.loaded[pick { "one", "two", "a.b", "preloaded", "of searcher" }] = pick { nil, false, "kept" }
end
for name, text in pairs { one = "return ...", two = "loaded = ...", bad = "x = = 1", ["a/b"] = "error 'in a.b'" } do
  os.execute "mkdir -p req_a"
  local f <close> = assert(io.open("req_" .. name .. ".lua", "w"))
  f:write(text)
end

common.run(actions, pick, tonumber(arg[2]) or 300)
