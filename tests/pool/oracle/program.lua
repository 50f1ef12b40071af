-- Random programs, as text. A program is a chunk that returns some calls: of each a function and its arguments, table.pack'ed.
-- Run twice it makes the same values twice; what a call does follows from them alone: no addresses, no order of next, no
-- length of a table with holes, no state of modules.
--
--   local text = program.text(Random.new(seed), { "m1", "m2" })    -- modules of modules.lua that it may use
--
-- By convention each function takes a depth first, which ends recursion, and gives a number first.
local program = {}

local Gen = {}
Gen.__index = Gen

local numbers = { "0", "1", "-1", "7", "255", "256", "65536", "1e15", "0.5", "-0.0", "1/0", "-1/0", "0/0", "1e308",
  "math.maxinteger", "math.mininteger", "2^53", "127", "128", "-129", "3.0" }
local strings = { [[""]], [["a"]], [["03"]], [["1"]], [["0x10"]], [["1e1"]], [[" 7 "]], [["\0\255\r\n"]], [["nil"]],
  [[("long"):rep(10)]], [[("longer than forty"):rep(9)]], [["__index"]], [["n"]], [["é"]] }
local keys = { "1", "2", "3", "5", "-1", "1.5", "2^53", "math.maxinteger", "math.mininteger", "true", "false", [["k"]],
  [["03"]], [["1"]], [["n"]], [[""]], [[("key"):rep(30)]], "string.format", [["id2"]], "1e300" }

function Gen:emit(text, ...)
  self.lines[#self.lines + 1] = ("  "):rep(self.level) .. (select("#", ...) > 0 and text:format(...) or text)
end

function Gen:name(kind)
  self.count = self.count + 1
  local name = kind .. self.count
  return name
end

function Gen:declare(kind, name)
  local list = self.scope[kind]
  list[#list + 1] = name
end

-- Runs f in a block of its own, whose locals end with it.
function Gen:block(f)
  local marks = {}
  for kind, list in pairs(self.scope) do marks[kind] = #list end
  self.level = self.level + 1
  f()
  self.level = self.level - 1
  for kind, list in pairs(self.scope) do
    for i = #list, marks[kind] + 1, -1 do list[i] = nil end
  end
end

function Gen:var(kind)
  local list = self.scope[kind]
  return #list > 0 and self.r:pick(list) or nil
end

function Gen:num(depth)
  local r, d = self.r, (depth or 0) + 1
  if self.inside and r:chance(1) then return self:any(d) end -- a mistake
  if d > 3 or r:chance(30) then return self:var("num") or r:pick(numbers) end
  local choice = r:int(1, 9)
  -- No division by zero: Lua 5.4.4 gives its line as that of an instruction before, which a hook changes.
  if choice <= 2 then return ("(%s %s %s)"):format(self:num(d), r:pick { "+", "-", "*", "/" }, self:num(d)) end
  if choice == 3 then return ("(%s %s %d)"):format(self:num(d), r:pick { "%", "//" }, r:int(1, 9)) end
  if choice == 4 then return ("#(%s)"):format(self:str(d)) end
  if choice == 5 then return ("(tonumber(%s) or %s)"):format(self:str(d), self:num(d)) end
  if choice == 6 then return ("(math.tointeger(%s) or %s)"):format(self:num(d), r:int(-9, 9)) end
  if choice == 7 and self:var("tab") then return ("(tonumber(%s[%s]) or 2)"):format(self:var("tab"), self:key(d)) end
  if choice == 8 and self:var("obj") then return ("%s:get()"):format(self:var("obj")) end
  if choice == 9 and self.vararg then return r:pick { "select('#', ...)", "(tonumber((...)) or 3)" } end
  return r:pick(numbers)
end

function Gen:str(depth)
  local r, d = self.r, (depth or 0) + 1
  if self.inside and r:chance(1) then return r:pick { "nil", "true" } end -- no table: its text has its address
  if d > 3 or r:chance(30) then return self:var("str") or r:pick(strings) end
  local choice = r:int(1, 6)
  if choice == 1 then return ("(%s .. %s):sub(1, 300)"):format(self:str(d), self:str(d)) end
  if choice == 2 then -- the sum is an error for a mistake: the text of a function has its address
    local number = self:var("num")
    return ("('%%s'):rep(2):format(%s, 1)"):format(number and number .. " + 0" or r:pick(numbers))
  end
  if choice == 3 then return ("(%s):upper()"):format(self:str(d)) end
  if choice == 4 then return ("((%s):gsub(%s, '<%%0>'))"):format(self:str(d), r:pick { "'%w'", "'.'", "'[aeiou]+'" }) end
  if choice == 5 then return ("('%%q %%s'):format(%s, %s)"):format(r:int(-99, 99), self:str(d)) end
  return r:pick(strings)
end

function Gen:key(d)
  local r = self.r
  if r:chance(70) then return r:pick(keys) end
  if r:chance(50) then return ("(%s or 1)"):format(self:str(d)) end
  return tostring(r:int(1, 6))
end

function Gen:tab(depth)
  local r, d = self.r, (depth or 0) + 1
  if d > 2 or r:chance(40) then return self:var("tab") or "{}" end
  local fields = {}
  for _ = 1, r:int(0, 5) do
    if r:chance(50) then fields[#fields + 1] = self:any(d)
    else fields[#fields + 1] = ("[%s] = %s"):format(self:key(d), self:any(d)) end
  end
  return "{" .. table.concat(fields, ", ") .. "}"
end

function Gen:any(depth)
  local r, d = self.r, (depth or 0) + 1
  local choice = r:int(1, 12)
  if choice <= 3 then return self:num(d) end
  if choice <= 5 then return self:str(d) end
  if choice <= 7 and d < 4 then return self:tab(d) end
  if choice == 8 then return r:pick { "nil", "true", "false" } end
  if choice == 9 then return self:var("fun") or "print" end
  if choice == 10 then return self:var("obj") or "math" end
  if choice == 11 then return self:var("buf") or "string.format" end
  return self:var("mod") or "table"
end

function Gen:list(low, high)
  local values = {}
  for i = 1, self.r:int(low, high) do values[i] = self:any() end
  return table.concat(values, ", ")
end

local statements = {}

function statements.num(g)
  local value = g:num()
  local name = g:name("n")
  g:emit("local %s = %s", name, value)
  g:declare("num", name)
end

function statements.str(g)
  local value = g:str()
  local name = g:name("s")
  g:emit("local %s = %s", name, value)
  g:declare("str", name)
end

function statements.tab(g)
  local value = g:tab()
  local name = g:name("t")
  g:emit("local %s = %s", name, value)
  g:declare("tab", name)
end

function statements.assign(g)
  local kind = g.r:pick { "num", "str", "num" }
  local name = g:var(kind)
  if name then g:emit("%s = %s", name, g[kind](g)) end
end

function statements.store(g)
  local name = g:var("tab")
  if name then g:emit("%s[%s] = %s", name, g:key(2), g:any()) end
end

function statements.object(g)
  local class = g:var("mod")
  if not class then return end
  local name = g:name("o")
  g:emit("local %s = %s.%s(%s)", name, class, g.r:pick { "new", "Sub.new", "deep.down.new" }, g:num())
  g:declare("obj", name)
end

function statements.require(g)
  if #g.modules == 0 then return end
  local name = g:name("M")
  g:emit("local %s = require %q", name, g.r:pick(g.modules))
  g:declare("mod", name)
end

statements["if"] = function(g)
  g:emit("if %s %s %s then", g:num(), g.r:pick { "<", "==", "~=", "<=" }, g:num())
  g:block(function() g:body(2) end)
  if g.r:chance(50) then
    g:emit "else"
    g:block(function() g:body(2) end)
  end
  g:emit "end"
end

statements["for"] = function(g)
  local i = g:name("i")
  g:emit("for %s = 1, %d do", i, g.r:int(0, 3))
  g:block(function()
    g:declare("num", i)
    local label = g:name("skip")
    if g.r:chance(30) then g:emit("if %s == 2 then goto %s end", i, label) end
    g:emit "do"
    g:block(function() g:body(2) end)
    g:emit "end"
    g:emit("::%s::", label)
  end)
  g:emit "end"
end

function statements.closure(g)
  local name = g:name("c")
  g:emit("local function %s(%s)", name, g.r:pick { "a", "a, ..." })
  local vararg = g.vararg
  g:block(function()
    g.vararg = g.lines[#g.lines]:find("...", 1, true) ~= nil
    g.returns = g.returns + 1
    g:body(2)
    g.returns = g.returns - 1
    g:emit("return %s, a", g:num())
  end)
  g.vararg = vararg
  g:emit "end"
  g:emit("%s(%s)", name, g:list(0, 3))
end

function statements.recurse(g)
  local f = g:var("fun")
  if not f or not g.inside then return end
  local value = g:name("n")
  g:emit("local %s = 0", value)
  g:emit("if d > 0 then %s = %s(d - 1, %s) end", value, f, g:list(1, 3))
  g:declare("num", value)
end

function statements.protect(g)
  local ok, e = g:name("ok"), g:name("e")
  g:emit("local %s, %s = pcall(function()", ok, e)
  local vararg = g.vararg
  g.vararg = false
  g:block(function()
    g:body(2)
    g:emit("if %s then error(%s, %d) end", ok and g:num() .. " ~= 3", g:problem(), g.r:int(0, 2))
  end)
  g.vararg = vararg
  g:emit "end)"
  local name = g:name("t")
  g:emit("local %s = { %s, %s }", name, ok, e)
  g:declare("tab", name)
end

-- An error value.
function Gen:problem()
  local choice = self.r:int(1, 6)
  if choice <= 2 then return self:str() end
  if choice == 3 then return self:tab() end
  if choice == 4 then return self:var("obj") or "nil" end
  if choice == 5 then return self:any() end
  return ("setmetatable({ %s }, getmetatable(%s))"):format(self:num(), self:var("obj") or "{}")
end

function statements.close(g)
  local target = g:var("tab")
  if not target then return end
  g:emit "do"
  g:block(function()
    g:emit("local x <close> = setmetatable({}, { __close = function(_, e) %s.closed = e or 'no error' end })", target)
    g:body(2)
  end)
  g:emit "end"
end

function statements.coroutine(g)
  local sum, v = g:name("n"), g:name("v")
  g:emit("local %s = 0", sum)
  g:emit("for %s in coroutine.wrap(function()", v)
  local vararg = g.vararg
  g.vararg = false
  g:block(function()
    g:emit("for i = 1, %d do coroutine.yield(i) end", g.r:int(1, 3))
    g:body(1)
  end)
  g.vararg = vararg
  g:emit("end) do %s = %s + %s end", sum, sum, v)
  g:declare("num", sum)
end

function statements.fail(g)
  if g.r:chance(15) then g:emit("if %s < 5 then error(%s, %d) end", g:num(), g:problem(), g.r:int(0, 2)) end
end

function statements.where(g)
  local name = g:name("s")
  g:emit("local %s = debug.getinfo(1, 'Sl').short_src .. debug.getinfo(1, 'Sl').currentline", name)
  g:declare("str", name)
end

local names = {}
for name in pairs(statements) do names[#names + 1] = name end
table.sort(names)

function Gen:body(n)
  if self.level > 6 then return end
  for _ = 1, self.r:int(0, n) do statements[self.r:pick(names)](self) end
end

-- A function at the level of the chunk; forward ones are declared before, so that they call each other.
function Gen:func(head)
  self:emit("%s(d, %s)", head, self.r:pick { "...", "p, ...", "p, q", "p" })
  self:block(function()
    self.vararg = self.lines[#self.lines]:find("...", 1, true) ~= nil
    self.inside = true
    self:body(6)
    self:emit("return %s", table.concat({ self:num(), self.r:chance(80) and self:list(1, 4) or nil }, ", "))
    self.inside, self.vararg = false, false
  end)
  self:emit "end"
end

local values = {}

function values.buffer(g)
  local name = g:name("b")
  g:emit("local %s = native.buffer(%q, { %d, %d, %d })", name, g.r:pick { "f64", "i32", "u8", "i64", "f32" },
    g.r:int(0, 200), g.r:int(0, 200), g.r:int(0, 200))
  g:declare("buf", name)
end

function values.graph(g)
  local first = #g.scope.tab
  for _ = 1, g.r:int(1, 4) do statements.tab(g) end
  for _ = 1, g.r:int(0, 4) do
    if #g.scope.tab > first then g:emit("%s[%s] = %s", g:var("tab"), g:key(2), g:var("tab")) end
  end
end

function values.holes(g)
  local name = g:name("t")
  local list = {}
  for i = 1, g.r:int(1, 12) do list[i] = g.r:chance(40) and "nil" or g:any(2) end
  g:emit("local %s = { %s }", name, table.concat(list, ", "))
  for _ = 1, g.r:int(0, 3) do g:emit("%s[%d] = %s", name, g.r:int(1, 20), g.r:chance(40) and "nil" or g:any(2)) end
  g:declare("tab", name)
end

function values.metatable(g)
  local name, meta = g:name("t"), g:name("meta")
  g:emit("local %s = { id = %q, __index = function(_, k) return k end, __name = %q, __len = function() return 3 end }",
    meta, meta, meta)
  if g.r:chance(50) then g:emit("%s.__index = %s", meta, meta) end
  if g.r:chance(30) then g:emit("%s.__metatable = false", meta) end
  g:emit("local %s = setmetatable(%s, %s)", name, "{ " .. g:list(0, 3) .. " }", meta)
  g:declare("tab", name)
end

function values.keyed(g)
  local name = g:name("t")
  g:emit("local %s = { [{ id = %q }] = %s, [%s] = 1 }", name, name, g:any(2), g:var("mod") or "math")
  g:declare("tab", name)
end

function values.method(g)
  local name = g:var("tab")
  if name then g:emit("rawset(%s, %s, %s)", name, g:key(2), g:var("fun") or "select") end
end

values.number, values.string, values.object = statements.num, statements.str, statements.object

local value_names = {}
for name in pairs(values) do value_names[#value_names + 1] = name end
table.sort(value_names)

local function values_of(g, low, high)
  for _ = 1, g.r:int(low, high) do values[g.r:pick(value_names)](g) end
end

-- Functions of the program: local ones that know each other, a global one, one made by load, one with globals of its own.
local function functions_of(g)
  local forward = {}
  for i = 1, g.r:int(1, 3) do forward[i] = g:name("f") end
  g:emit("local %s", table.concat(forward, ", "))
  for _, name in ipairs(forward) do g:declare("fun", name) end
  for _, name in ipairs(forward) do g:func("function " .. name) end
  if g.r:chance(40) then
    local name = "Global" .. g.r:int(1, 8)
    g:func("function " .. name)
    local alias = g:name("f")
    g:emit("local %s = %s", alias, name)
    g:declare("fun", alias)
  end
  if g.r:chance(30) then
    local name = g:name("f")
    g:emit("local %s = load('local d, a = ... if d > 0 then return d, a, %d end return %d', '=loaded')", name,
      g.r:int(1, 1e6), g.r:int(1, 1e6))
    g:declare("fun", name)
  end
  if g.r:chance(20) then
    local name = g:name("f")
    g:emit("local %s = load('x = (x or 0) + 1 return x, y', '=own', 't', { y = %s })", name, g:any(2))
    g:declare("fun", name)
  end
end

function program.text(r, modules)
  local g = setmetatable({ r = r, modules = modules, lines = {}, level = 0, count = 0, returns = 0,
    scope = { num = {}, str = {}, tab = {}, fun = {}, obj = {}, mod = {}, buf = {} } }, Gen)
  g:emit "local native = require 'gilua.native'"
  for _ = 1, r:int(0, 2) do statements.require(g) end
  values_of(g, 1, 4)
  functions_of(g)
  values_of(g, 0, 4)
  if r:chance(50) then functions_of(g) end
  values_of(g, 0, 2)
  g:emit "return {"
  for _ = 1, r:int(1, 8) do g:emit("  { %s, table.pack(%d, %s) },", g:var("fun"), r:int(0, 3), g:list(1, 4)) end
  g:emit "}"
  return table.concat(g.lines, "\n") .. "\n"
end

return program
