-- random.lua SEED STEPS: the program itself. Random options in random order, scripts, standard input, LUA_INIT, uncaught errors of every kind;
-- what it writes, and its status. lua5.4 and gilua must give the same.
local common = require "common"
local random, pick = common.generator(tonumber(arg[1]) or 1)

local function write(name, text)
  local f <close> = assert(io.open(name, "w"))
  f:write(text)
end

-- What a program may raise: the last words of a script.
local RAISES = { "error 'a text'", "error('with level 2', 2)", "error('no position', 0)", "error(5)", "error(2.5)", "error(nil)", "error()",
  "error(true)", "error {}", "error(print)", "error(setmetatable({}, { __tostring = function() return 'an object' end }))",
  "error(setmetatable({}, { __tostring = function() return {} end }))", "error(setmetatable({}, { __name = 'Named' }))",
  "error(setmetatable({}, { __tostring = function() error 'in tostring' end }))", "local t = nil; t.x = 1", "local s = {} .. 'x'",
  "return #nil", "undefined()", "string.rep()", "('x'):bad()", "local a <const> = 1; a = 2", "goto nowhere", "x = = 1", "x = 'open",
  "assert(false)", "assert(nil, 'asserted')", "assert(false, {})", "error('two\\nlines')", "coroutine.wrap(function() error 'in co' end)()",
  "coroutine.wrap(function() local x <close> = setmetatable({}, { __close = function() error 'in close' end }) error 'in co' end)()",
  "local x <close> = setmetatable({}, { __close = function(_, e) print('closed', e) end }) error 'closing'",
  "local x <close> = setmetatable({}, { __close = function(_, e) error 'from close' end })", "local x <close> = 5",
  "coroutine.yield()", "coroutine.close(coroutine.running())", "require 'no_such_module'", "dofile 'no_such_file'", "load('x x')()",
  "local function f() return f() end f()", "select(0)", "setmetatable({}, { __gc = function() error 'in gc' end }) collectgarbage()",
  "x = setmetatable({}, { __gc = function() error 'at the end' end })", "x = setmetatable({}, { __gc = function() error {} end })",
  "local function deep(n) if n == 0 then error 'deep' end deep(n - 1) end deep(30)", "table.sort({ 3, 2, 1 }, function() error 'in sort' end)",
  "string.gsub('x', 'x', function() error('in gsub', 2) end)", "xpcall(error, function() error 'in handler' end) error 'behind'",
  "warn('@on') warn('one ', 'two') error 'warned'", "for i = 1, 'x' do end", "for i = 1, 10, 0 do end", "return 1 < 'x'", "return 2^53 | 0.5",
  "return 1 // 0", "math.random(0, -1)", "os.exit(3)", "os.exit(true)", "os.exit(false)", "os.exit(300)", "os.exit(2.0)", "os.exit('x')",
  "os.exit(true, true)", "os.exit(7, true)", "local x <close> = setmetatable({}, { __close = function() print 'closed' end }) os.exit(4, true)",
  "io.stdout:close() print 'into nothing'", "io.stderr:write 'to stderr\\n' os.exit(1)", "debug.debug()", "return 5", "" }
local SCRIPTS = { "print(...)", "print(#arg, arg[0], arg[1], arg[-1])", "print(select('#', ...), ...)", "for i = -5, 5 do print(i, arg[i]) end",
  "arg = nil print(...)", "#! first line\nprint(debug.getinfo(1).currentline)", "# only", "local m = ... print(m) return m", "print(x, y, m)",
  "print(package.path == nil, package.cpath == nil)", "io.write(io.read('a') or 'nothing', '\\n')", "print(debug.traceback('here'))" }

local function script() return pick(SCRIPTS) .. "\n" .. (random(2) == 1 and pick(RAISES) or "") end
local function quoted(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

local function value(option, text) return random(2) == 1 and option .. quoted(text) or option .. " " .. quoted(text) end
local OPTIONS = {
  function() return value("-e", pick { "x = 1", "print(x, y)", "y = arg[1]", "print(#arg)", "arg = nil", pick(RAISES), "", "x = = 1", "print(...)" }) end,
  function() return value("-l", pick { "m", "string", "no_such_module", "y=m", "g=string", "bad", "", "=m", "a.b=m" }) end,
  function() return pick { "-v", "-E", "-W", "-", "--", "-i", "-vE", "-vv", "-x", "-e", "-l", "---", "-iE", "-Wx", "-E -W", "''" } end,
  function() return pick { "script.lua", "script.lua a b", "script.lua -x --", "none.lua", "script.lua ''", "-- script.lua", "- a b" } end,
}

local INPUTS = { "", "print 'from stdin'\n", "print(...)\nerror 'from stdin'", "x = = 1\n", "1 + 1\n= 5\nerror 'typed'\nfor i = 1, 2 do\nprint(i) end\n" }

-- The name and version of the program are its own, and so are the options with two dashes that its usage has.
local function shown(text)
  text = text:gsub("\n  %-%-[%w-][^\n]*", "")
  return (text:gsub("gilua [%d.]+ on (Lua 5%.4)", "%1"):gsub("0x%x%x%x%x+", "ADDRESS"))
end

local actions = {}

function actions.run(step)
  write("script.lua", script())
  write("m.lua", pick { "print('module', ...) return 'm'", "x = 5", "error 'in module'", "return false" })
  write("bad.lua", "x = = 1")
  write("input", pick(INPUTS))
  local words = {}
  if random(4) == 1 then
    words[1] = pick { "LUA_INIT", "LUA_INIT_5_4" } .. "=" .. quoted(pick { "x = 'init'", "@script.lua", "@none.lua", pick(RAISES), "print(arg[0])" })
  end
  words[#words + 1] = "lua"
  for _ = 1, random(0, 3) do words[#words + 1] = pick(OPTIONS)() end
  if random(2) == 1 then words[#words + 1] = "script.lua" .. pick { "", " a b", " -i" } end
  local command = table.concat(words, " ")
  local f = io.popen("(" .. command .. ") 2>&1 <input; echo status $?")
  print(step, command, shown(f:read "a"))
  f:close()
end

common.run(actions, pick, tonumber(arg[2]) or 50)
