-- What goes by name, by number and back between a program and its workers: the same functions, the same classes.
local t = require "testing"
local P = require "processes"
local futures = require "gilua.futures"
local graphs = require "graphs"

local function new(options)
  options.max_workers = options.max_workers or 1
  return futures.ProcessPoolExecutor(options)
end

-- A module of its own for each use: in a file, which every process finds.
local directory = os.tmpname()
os.remove(directory)
os.execute("mkdir " .. directory)
package.path = directory .. "/?.lua;" .. package.path
local modules = 0
local function module(text)
  modules = modules + 1
  local name = "names_test_" .. modules
  local f <close> = assert(io.open(("%s/%s.lua"):format(directory, name), "w"))
  f:write(text)
  return name
end

local account = [[
  local Account = {}
  Account.__index = Account
  local made = 0
  function Account.new(n) made = made + 1 return setmetatable({n = n}, Account) end
  function Account:get() return self.n end
  Account.Inner = {} Account.Inner.__index = Account.Inner
  function Account.Inner.new(x) return setmetatable({x = x}, Account.Inner) end
  return Account]]

P.test("a global function that is redefined runs as it is now, each time", function()
  function names_work() return 0 end
  local pool <close> = new {}
  for k = 1, t.hostile and 20 or 500 do
    load("function names_work() return " .. k .. " end")()
    t.equal(pool:submit(names_work):result(), k)
  end
  names_work = nil
end)

for _, start in ipairs { "fork", "spawn" } do
  P.test(start .. ": a function of a module loaded after the pool that is replaced or added goes as it is now", function()
    local pool <close> = new { start = start }
    pool:submit(math.abs, 1):result()
    local late = require(module "return {f = function() return 'file' end}")
    t.equal(pool:submit(late.f):result(), "file")
    function late.f() return "replaced" end
    function late.added() return "added" end
    for _ = 1, 2 do
      t.equal(pool:submit(late.f):result(), "replaced")
      t.equal(pool:submit(late.added):result(), "added")
      t.equal(pool:submit(function(f) return f end, late.f):result(), late.f)
    end
  end)

  P.test(start .. ": a module that is loaded anew from a changed file goes as it is now", function()
    local pool <close> = new { start = start }
    local name = module(account)
    local Account = require(name)
    t.equal(pool:submit(function(a) return a:get() end, Account.new(1)):result(), 1)
    local f = assert(io.open(("%s/%s.lua"):format(directory, name), "w"))
    f:write((account:gsub("return self.n", "return -self.n")))
    f:close()
    package.loaded[name] = nil
    local Again = require(name)
    for _ = 1, 2 do
      local n, object = pool:submit(function(a) return a:get(), a end, Again.new(1)):result()
      t.equal(n, -1)
      t.equal(getmetatable(object), Again)
      t.equal(pool:submit(Again.get, { n = 2 }):result(), -2)
    end
  end)
end

P.test("functions with the same code are different functions, and return as themselves", function()
  local pool <close> = new {}
  local function factory() return function() return "A" end end
  local a, b, c = factory(), factory(), function() return "C" end
  for _ = 1, 3 do
    local n, x, y, z = pool:submit(function(x, y, z)
      local set = { [x] = 1, [y] = 2, [z] = 3 }
      local n = 0
      for _ in pairs(set) do n = n + 1 end
      return n, z, y, x
    end, a, b, c):result()
    t.equal(n, 3)
    t.equal(x, c)
    t.equal(y, b)
    t.equal(z, a)
  end
end)

P.test("a metatable comes back as itself, and as the task left it where it is a value that the task changed", function()
  local pool <close> = new {}
  local function made() -- an object that is its own metatable, and a prototype with an object
    local own, parent = { n = 1 }, { n = 1, get = function(o) return o.n end }
    own.__index, parent.__index = own, parent
    return setmetatable(own, own), parent, setmetatable({}, parent)
  end
  local own, parent, child = made()
  local same_own, same_parent, same_child = pool:submit(function(...) return ... end, own, parent, child):result()
  t.equal(same_own, own)
  t.equal(same_parent, parent)
  t.equal(getmetatable(same_child), parent)
  local function change(o)
    o.n = 2
    return o
  end
  own = pool:submit(change, own):result()
  t.equal(own.n, 2)
  t.equal(getmetatable(own), own)
  for _, child_first in ipairs { true, false } do
    local list = pool:submit(function(p, c)
      change(p)
      return child_first and { c, p } or { p, c }
    end, parent, child):result()
    local p, c = list[child_first and 2 or 1], list[child_first and 1 or 2]
    t.equal(p.n, 2)
    t.equal(getmetatable(c), p)
    t.equal(p.get, parent.get)
  end
  t.equal(getmetatable(pool:submit(function(p, c) return c, change(p).n end, parent, child):result()), parent)
  t.equal(parent.n, 1)
end)

P.test("what a task changed below a metatable that is a value is told, too", function()
  local pool <close> = new {}
  local function changed(change)
    local class, inner, deep = { log = {} }, {}, {}
    class.__index, class.inner, inner.__index = class, inner, inner
    for _ = 1, 300 do deep = { deep } end
    class.deep, class.text, class.ring = deep, ("x"):rep(100), {}
    class.ring[1] = class.ring
    local now, object = pool:submit(function(f, o, i)
      f(getmetatable(o))
      return getmetatable(o), o, i
    end, change, setmetatable({}, class), setmetatable({}, inner)):result()
    t.equal(getmetatable(object), now)
    return now ~= class and now, class
  end
  t.equal(changed(function() end), false)
  t.equal(changed(function(c) c.log.n = 1 end).log.n, 1)
  t.equal(changed(function(c) c.inner.n = 1 end).inner.n, 1)
  t.equal(changed(function(c) c.ring[2] = 1 end).ring[2], 1)
  t.equal(#changed(function(c) c.log[c.ring] = 1 c.text = c.text:rep(2) end).text, 200)
  local now = changed(function(c)
    local below = c.deep
    for _ = 1, 299 do below = below[1] end
    below[1].x = 5
  end)
  local below = now.deep
  for _ = 1, 300 do below = below[1] end
  t.equal(below.x, 5)
  for _ = 1, 20 do -- nothing that is collected lends its address
    t.equal(changed(function(c)
      c.log, c.text = nil, nil
      collectgarbage()
      c.log, c.text = { n = 1 }, ("y"):rep(100)
    end).log.n, 1)
    t.equal(changed(function(c)
      c.text = nil
      collectgarbage()
      c.text = ("z"):rep(100)
    end).text, ("z"):rep(100))
  end
end)

P.test("functions that share their environment go on sharing it", function()
  local pool <close> = new {}
  local get, set = load([[
    local _ENV = _ENV
    return function() return names_value end, function(env) _ENV = env end]])()
  for _ = 1, 2 do -- what a task does to them is gone in the next
    t.equal(pool:submit(function(get, set)
      local before = get()
      set { names_value = 5 }
      return tostring(before) .. get()
    end, get, set):result(), "nil5")
  end
end)

P.test("a task may bring functions that a worker has and others that it lacks", function()
  local pool <close> = new {}
  local known = {}
  for i = 1, 256 do
    known[i] = load("return " .. i)
    pool:submit(known[i]):result()
  end
  for i = 1, t.hostile and 10 or 256 do
    local f = load("local a, b = ... return a() + b() - " .. i)
    t.equal(pool:submit(f, known[i], known[(i + 1) % 256 + 1]):result(), (i + 1) % 256 + 1)
  end
end)

P.test("a pool sees any number of functions", function()
  local pool <close> = new {}
  local known = {}
  local n = t.hostile and 300 or 2600
  for i = 1, n do
    known[i] = load("return " .. i)
    local f = pool:submit(load("local a, b = ... return a() + b()"), known[i], known[math.max(1, i - 255)])
    t.equal(f:result(), i + math.max(1, i - 255))
  end
  t.equal(pool:submit(known[1]):result(), 1)
end)

for _, start in ipairs { "fork", "spawn" } do
  P.test("a module that is loaded later is the same at both ends: " .. start, function()
    local here, there, both = module(account), module(account), module(account)
    local pool <close> = new { start = start }
    local Account = require(here)
    t.equal(pool:submit(function(name, a) return getmetatable(a) == require(name) and a:get() end, here, Account.new(4))
      :result(), 4)
    t.equal(getmetatable(pool:submit(Account.new, 5):result()), Account)
    t.equal(getmetatable(pool:submit(Account.Inner.new, 5):result()), Account.Inner)
    local a, new_ = pool:submit(function(name) return require(name).new(6), require(name).new end, there):result()
    t.equal(a:get(), 6)
    t.equal(getmetatable(a), require(there))
    t.equal(new_, require(there).new)
    local Both = require(both)
    t.equal(getmetatable(pool:submit(function(name) return require(name).Inner.new(1) end, both):result()), Both.Inner)
  end)
end

P.test("a module that a worker cannot find goes by value", function()
  local pool <close> = new {}
  local Account = load(account)()
  package.loaded["names_test by hand"] = Account
  local a = pool:submit(function(a) return a:get() .. "", a end, Account.new(7)):result()
  t.equal(a, "7")
  local _, b = pool:submit(function(a) return 1, a end, Account.new(8)):result()
  t.equal(getmetatable(b), Account)
  t.equal(pool:submit(Account.new, 9):result().n, 9)
  package.loaded["names_test by hand"] = nil
end)

P.test("classes have names to any depth, and so have their functions", function()
  NamesApp = { models = { User = {}, list = {} } }
  local User = NamesApp.models.User
  User.__index = User
  function User.new(x) return setmetatable({ x = x }, User) end
  function User:__reduce() return User.new, self.x end
  local pool <close> = new {}
  local u, f = pool:submit(function() return NamesApp.models.User.new(3), NamesApp.models.User.new end):result()
  t.equal(u.x, 3)
  t.equal(getmetatable(u), User)
  t.equal(f, User.new)
  NamesApp = nil
end)

P.test("a function within a class goes with what it captures now", function()
  local counter = 0
  NamesCounter = {}
  NamesCounter.__index = NamesCounter
  NamesCounter.inner = { __index = {}, read = function() return counter end }
  local pool <close> = new {}
  counter = 41
  t.equal(pool:submit(NamesCounter.inner.read):result(), 41)
  NamesCounter = nil
end)

P.test("what a task does to a name in its worker changes nothing for the next", function()
  function names_helper() return "the program's" end
  local pool <close> = new {}
  local helper = names_helper
  pool:submit(function()
    function names_helper() return "the worker's" end
    collectgarbage()
    collectgarbage()
  end):result()
  t.equal(pool:submit(helper):result(), "the program's")
  t.equal(pool:submit(function() return names_helper() end):result(), "the worker's")
  names_helper = nil
end)

P.test("an object that the program has let go of cannot come back", function()
  function names_gone() return 1 end
  NamesGone = { f = names_gone }
  local pool <close> = new {}
  names_gone, NamesGone = nil, nil
  collectgarbage()
  collectgarbage()
  local e = t.raises_kind("pickle", function() return pool:submit(function() return names_gone end):result() end)
  t.raises("not here any more", error, e)
end)

P.test("random graphs come back from a task as they went", function()
  local pool <close> = new {}
  for seed = 1, t.hostile and 5 or 150 do
    math.randomseed(seed)
    local v = graphs.random(math.random(1, 30))
    local difference = graphs.difference(v, pool:submit(function(v) return v end, v):result())
    if difference then error(("seed %d: %s"):format(seed, difference)) end
  end
end)

P.test("error objects return as they were raised", function()
  local pool <close> = new {}
  local e = t.raises_kind("timeout", function() return pool:submit(function() futures.Future():result(0) end):result() end)
  t.equal(getmetatable(e), require "gilua".Error)
end)

os.execute("rm -r " .. directory)
t.finish()
