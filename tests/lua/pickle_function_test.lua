-- gilua.pickle: functions, what they capture, and what goes by name.
local t = require "testing"
local pickle = require "gilua.pickle"

local trusted = { functions = true }
local function copy(v) return pickle.loads(pickle.dumps(v), trusted) end

t.test("a function is a copy with the captured values of the moment", function()
  local n = 5
  local f = copy(function(x)
    n = n + x
    return n
  end)
  t.equal(f(1), 6)
  t.equal(f(1), 7)
  t.equal(n, 5)
end)

t.test("functions that share a variable go on sharing it", function()
  local n, other = 0, "o"
  local v = copy { inc = function() n = n + 1 return other end, get = function() return n, other end,
    deep = { function() n = n + 10 end } }
  v.inc()
  v.deep[1]()
  t.equal(v.get(), 11)
end)

t.test("recursive and mutually recursive local functions work", function()
  local function fac(n) return n < 2 and 1 or n * fac(n - 1) end
  t.equal(copy(fac)(10), 3628800)
  local even, odd
  function even(n) return n == 0 or odd(n - 1) end
  function odd(n) return n ~= 0 and even(n - 1) end
  t.equal(copy(even)(10), true)
  t.equal(copy { even, odd }[2](7), true)
end)

t.test("a function that holds itself is one function", function()
  local v = {}
  v.f = function() return v end
  local got = copy(v)
  t.equal(got.f(), got)
end)

t.test("the globals are the globals, wherever they are captured", function()
  local a, env, g = 1, _ENV, _G
  local f = copy(function() return a, env, g, print, _G end)
  local _, e, h, p, i = f()
  t.equal(e, _G)
  t.equal(h, _G)
  t.equal(p, print)
  t.equal(i, _G)
  t.equal(copy(_G), _G)
  t.equal(copy({ _G })[1], _G)
end)

t.test("another environment travels by value", function()
  local f = load("x = (x or 0) + 1 return x", "=chunk", "t", { x = 41 })
  t.equal(copy(f)(), 42)
  t.equal(rawget(_G, "x"), nil)
end)

t.test("a function from load is not given the globals as its first variable", function()
  local first, second = "first", "second"
  local f = function() return first, second end
  local a, b = copy(f)()
  t.equal(a, "first")
  t.equal(b, "second")
end)

t.test("stripped functions keep their variables", function()
  local f = load(string.dump(function(...) return select("#", ...), print end, true))
  local n, p = copy(f)(1, 2, 3)
  t.equal(n, 3)
  t.equal(p, print)
end)

t.test("a function made from a long text does not carry the text", function()
  local text = "local x = 1 " .. ("-- comment\n"):rep(10000) .. " return x"
  local bytes = pickle.dumps(load(text))
  t.near(#bytes, 1, 1000)
  t.equal(copy(load(text))(), 1)
end)

t.test("a function made from a long text knows its lines and variables", function()
  if t.version ~= "5.4" then return end -- elsewhere its bytecode goes without them
  local text = "local t = ...\n" .. ("-- comment\n"):rep(10000) .. "local function inner() return t.field.deep end return inner()"
  for _, name in ipairs { "f", "=short", "@" .. ("long/"):rep(1000) .. "file.lua", "=" .. ("n"):rep(5000), ("\n"):rep(5000) } do
    local f = load(text, name ~= "f" and name or nil)
    local _, here = pcall(f, {})
    local _, there = pcall(copy(f), {})
    t.equal(there, here)
    t.equal(debug.getinfo(copy(copy(f)), "S").short_src, debug.getinfo(f, "S").short_src)
  end
end)

t.test("line numbers and names of variables survive", function()
  local f = copy(function() error("here") end)
  t.raises("pickle_function_test.lua:%d+: here", f)
end)

t.test("many captured variables travel", function()
  local lines = {}
  for i = 1, 150 do lines[i] = ("local v%d = %d"):format(i, i) end
  local sum = {}
  for i = 1, 150 do sum[i] = "v" .. i end
  local make = load(table.concat(lines, "\n") .. "\nlocal function g() return " .. table.concat(sum, "+", 1, 60) ..
    " end return g")
  t.equal(copy(make())(), 60 * 61 // 2)
end)

t.test("bytecode is refused unless it is allowed", function()
  local bytes = pickle.dumps { 1, { f = function() end } }
  local e = t.raises_kind("pickle", pickle.loads, bytes)
  t.equal(math.type(e.offset), "integer")
  t.raises_kind("pickle", pickle.loads, bytes, { functions = false })
  t.equal(type(pickle.loads(bytes, trusted)[2].f), "function")
end)

t.test("damaged bytecode is an error", function()
  local bytes = pickle.dumps(function() end)
  t.raises_kind("pickle", pickle.loads, (bytes:gsub("\27Lua", "\27Lux")), trusted)
end)

-- Names

t.test("functions of libraries, modules and files go by name", function()
  for _, v in ipairs { print, string.format, table, math, io.stdout, require, coroutine.wrap,
    pickle.dumps, pickle } do
    t.equal(copy(v), v)
  end
  t.equal(copy { string.rep, x = { string.rep } }.x[1], string.rep)
end)

t.test("a global class goes by name, and its objects keep it", function()
  Account = {}
  Account.__index = Account
  function Account.new(balance) return setmetatable({ balance = balance }, Account) end
  function Account:add(n) self.balance = self.balance + n end
  local v = pickle.loads(pickle.dumps { Account.new(5), Account })
  t.equal(getmetatable(v[1]), Account)
  t.equal(v[2], Account)
  v[1]:add(1)
  t.equal(v[1].balance, 6)
  Account = nil
end)

t.test("a class in a module goes by name", function()
  local class = { __index = {} }
  package.loaded["pickle.test"] = { class = class }
  local v = pickle.loads(pickle.dumps(setmetatable({}, class)))
  t.equal(getmetatable(v), class)
  package.loaded["pickle.test"] = nil
end)

t.test("plain data goes by value even when it is global", function()
  settings = { depth = 3, list = { 1 } }
  local v = copy { settings, print }
  t.equal(v[1] == settings, false)
  t.equal(v[1].depth, 3)
  settings = nil
end)

t.test("values in package.loaded that are no objects do not become names", function()
  package.loaded.flag, package.loaded.text = true, "some text"
  t.equal(copy { true, "some text", print }[2], "some text")
  package.loaded.flag, package.loaded.text = nil, nil
end)

t.test("a name counts only while it leads to the object", function()
  function Helper() return "first" end
  local first = Helper
  local bytes = pickle.dumps(first)
  t.equal(pickle.loads(bytes, trusted), Helper)
  function Helper() return "second" end
  t.equal(copy(first)(), "first")
  t.equal(pickle.loads(bytes, trusted)(), "second")
  Helper = nil
  local e = t.raises_kind("pickle", pickle.loads, bytes, trusted)
  t.raises("'Helper' is not here", error, e)
end)

t.test("a name that is given between two messages counts in the second", function()
  local class = { __index = {} }
  local function object() return setmetatable({ 1 }, class) end
  t.equal(getmetatable(copy(object())) == class, false)
  LateClass = class
  t.equal(getmetatable(copy(object())), class)
  t.equal(copy { class }[1], class)
  LateClass = nil
  t.equal(getmetatable(copy(object())) == class, false)
  local f = function() end
  t.equal(copy(f) == f, false)
  LateFunction = f
  t.equal(copy(f), f)
  LateFunction = nil
  local marked = { __mark = 1 }
  copy(print)
  Marked = marked
  t.equal(copy { marked }[1], marked)
  Marked = nil
end)

t.test("what has several names gets the best one: of its library, then the shortest, then the first", function()
  local function keys(v) return (pickle.dumps(v):sub(4):gsub("[^%w_]", " "):gsub("^ +", "")) end
  local f, class = function() end, { __index = {} }
  package.loaded.aaa = { format = string.format, z = f, b = f, inner = { a = f, C = class }, C = class }
  package.loaded.zzz = { a = f, C = class }
  GlobalF, GlobalC = f, class
  t.equal(keys(string.format), "string format")
  t.equal(keys(f), "aaa b")
  t.equal(keys(class), "aaa C")
  package.loaded.aaa = nil
  t.equal(keys(f), "zzz a")
  package.loaded.zzz = nil
  t.equal(keys(f), "_G GlobalF")
  GlobalF, GlobalC = nil, nil
end)

t.test("functions and classes within classes have names, functions within data have not", function()
  App = { models = { User = { __index = {}, new = function() end } }, tasks = { one = { run = function() end } } }
  local user = setmetatable({}, App.models.User)
  t.equal(getmetatable(pickle.loads(pickle.dumps(user))), App.models.User)
  t.equal(copy(App.models.User.new), App.models.User.new)
  t.equal(copy(App.tasks.one).run == App.tasks.one.run, false)
  t.equal(copy(App.models) == App.models, false)
  App = nil
end)

t.test("an empty class is a class wherever it is met", function()
  Pair = {}
  for _, v in ipairs { { Pair, setmetatable({}, Pair) }, { setmetatable({}, Pair), Pair } } do
    local got = pickle.loads(pickle.dumps { v, v[1], Pair })
    t.equal(got[3], Pair)
    t.equal(getmetatable(got[1][1]) or got[1][1], Pair)
    t.equal(getmetatable(got[1][2]) or got[1][2], Pair)
  end
  Pair.inside = setmetatable({}, Pair) -- met again while it is written
  t.equal(pickle.loads(pickle.dumps { Pair, 1 }, trusted)[1], Pair)
  Pair = nil
end)

t.test("names are refused where they are not wanted", function()
  for _, v in ipairs { print, _G, string } do
    t.raises_kind("pickle", pickle.loads, pickle.dumps(v), { names = false })
  end
  t.equal(pickle.loads(pickle.dumps { 1 }, { names = false })[1], 1)
end)

t.finish()
