-- gilua.pickle: __reduce, and what must not happen around it.
local t = require "testing"
local native = require "gilua.native"
local pickle = require "gilua.pickle"
local threading = require "gilua.threading"

local trusted = { functions = true }
local function copy(v) return pickle.loads(pickle.dumps(v), trusted) end

Point = {}
Point.__index = Point
function make_point(x, y) return setmetatable({ x = x, y = y, made = true }, Point) end
function Point:__reduce() return make_point, self.x, self.y end

t.test("an object is made again by what its __reduce returns", function()
  local v = copy { make_point(1, { 2 }), make_point(nil, nil) }
  t.equal(getmetatable(v[1]), Point)
  t.equal(v[1].y[1], 2)
  t.equal(v[2].made, true)
  t.equal(v[2].x, nil)
end)

t.test("an object that is shared is made once", function()
  local p = make_point(1, 2)
  local v = copy { p, p, { p } }
  t.equal(v[1], v[2])
  t.equal(v[1], v[3][1])
end)

t.test("nested objects are made from the inside out", function()
  local v = copy(make_point(make_point(1, 2), { make_point(3, 4) }))
  t.equal(v.x.y, 2)
  t.equal(v.y[1].x, 3)
end)

t.test("an object with an end and a __reduce travels", function()
  Temp = { __gc = function() end }
  Temp.__close = Temp.__gc
  function make_temp(path) return setmetatable({ path = path }, Temp) end
  function Temp:__reduce() return make_temp, self.path end
  local v = copy(make_temp "x")
  t.equal(getmetatable(v), Temp)
  t.equal(v.path, "x")
  Temp, make_temp = nil, nil
end)

t.test("an object with an end and no __reduce is refused, with its path", function()
  for _, name in ipairs { "__gc", "__close" } do
    local o = setmetatable({}, { [name] = function() end })
    local e = t.raises_kind("pickle", pickle.dumps, { a = { o } })
    t.equal(e.path, "value.a[1]")
    t.equal(e.type, "table")
  end
end)

t.test("bytes from outside give no object an end", function()
  local ends = 0
  Trap = {}
  local bytes = pickle.dumps(setmetatable({ 1 }, Trap))
  Trap.__gc = function() ends = ends + 1 end
  t.raises_kind("pickle", pickle.loads, bytes)
  collectgarbage()
  t.equal(ends, 0)
  Trap = nil
end)

t.test("bytes from outside call no constructor", function()
  Danger = { __reduce = function() return os.getenv, "HOME" end }
  local bytes = pickle.dumps(setmetatable({}, Danger))
  for _, options in ipairs { {}, { names = false } } do
    for _, b in ipairs { bytes, pickle.dumps(make_point(1, 2)) } do
      local e = t.raises_kind("pickle", pickle.loads, b, options)
      t.raises("constructor", error, e)
    end
  end
  t.equal(pickle.loads(bytes, trusted), os.getenv "HOME")
  Danger = nil
end)

t.test("a __reduce that returns no function is an error", function()
  for _, f in ipairs { function() end, function() return nil end, function() return 1 end } do
    local e = t.raises_kind("pickle", pickle.dumps, { setmetatable({}, { __reduce = f }) })
    t.equal(e.path, "value[1]")
  end
end)

t.test("a __reduce that leads back to its object is an error", function()
  local o = setmetatable({}, { __reduce = function(o) return make_point, { o } end })
  local e = t.raises_kind("pickle", pickle.dumps, o)
  t.equal(e.path, "value argument 1[1]")
end)

t.test("an error in a __reduce comes through, and the next message is whole", function()
  local o = setmetatable({}, { __reduce = function() error({ "mine" }) end })
  local ok, e = pcall(pickle.dumps, { "text", o })
  t.equal(ok, false)
  t.equal(e[1], "mine")
  t.equal(copy({ "text", "text", "text" })[3], "text")
end)

t.test("an error in a constructor comes through", function()
  function fail_to_make() error("no room", 0) end
  local bytes = pickle.dumps(setmetatable({}, { __reduce = function() return fail_to_make end }))
  t.raises("^no room$", pickle.loads, bytes, trusted)
  fail_to_make = nil
end)

t.test("a constructor may return nil or false, also for what is shared", function()
  function make_nothing(v) return v end
  for _, nothing in ipairs { "nil", "false" } do
    local value = load("return " .. nothing)()
    local o = setmetatable({}, { __reduce = function() return make_nothing, value end })
    local v = copy { o, o, x = o, y = { o }, z = 1 }
    t.equal(v[1], value)
    t.equal(v[2], value)
    t.equal(v.x, value)
    t.equal(v.y[1], value)
    t.equal(v.z, 1)
  end
  make_nothing = nil
end)

t.test("a __reduce may write and read messages itself", function()
  function unpack_inner(bytes) return pickle.loads(bytes, trusted) end
  local meta = {}
  function meta.__reduce(o) return unpack_inner, pickle.dumps { o.inner, o.inner, name = "name" } end
  local v = copy { "name", setmetatable({ inner = { 1 } }, meta), "name", "name", setmetatable({ inner = 2 }, meta) }
  t.equal(v[2][1][1], 1)
  t.equal(v[2][1], v[2][2])
  t.equal(v[5][1], 2)
  t.equal(v[4], "name")
  unpack_inner = nil
end)

t.test("what a __reduce makes and drops is not confused with what comes later", function()
  local meta = {}
  function meta.__reduce(o)
    for _ = 1, 50 do local _ = { {} } end
    collectgarbage()
    return make_point, { o.n }, { "fresh " .. o.n }
  end
  local list = {}
  for i = 1, 200 do list[i] = setmetatable({ n = i }, meta) end
  for i, p in ipairs(copy(list)) do
    t.equal(p.x[1], i)
    t.equal(p.y[1], "fresh " .. i)
  end
end)

t.test("what a __reduce takes out of the message is not confused either", function()
  local root = { {}, {}, {} }
  local meta = {}
  function meta.__reduce()
    root[1] = nil
    collectgarbage()
    collectgarbage()
    local fresh = {}
    for i = 1, 100 do fresh[i] = { i } end
    return make_point, fresh
  end
  root[2] = setmetatable({}, meta)
  local v = copy(root)
  for i = 1, 100 do t.equal(v[2].x[i][1], i) end
end)

t.test("long strings that a __reduce drops are not confused", function()
  local root, meta = {}, {}
  for i = 1, 100 do root[i] = ("first %d "):format(i):rep(8) end
  function meta.__reduce()
    for i = 1, 100 do root[i] = false end
    collectgarbage()
    local fresh = {}
    for i = 1, 100 do fresh[i] = ("other %d "):format(i):rep(8) end
    return make_point, fresh
  end
  root[101] = setmetatable({}, meta)
  local v = copy(root)
  for i = 1, 100 do t.equal(v[101].x[i], ("other %d "):format(i):rep(8)) end
end)

t.test("other threads may run in a __reduce, and write messages", function()
  local meta = {}
  function meta.__reduce(o)
    local s = 0
    for i = 1, 200 do s = s + i end
    return make_point, o.n, s
  end
  t.at_intervals(function()
    local threads = t.start(4, function(id)
      for i = 1, 20 do
        local list = {}
        for j = 1, 20 do list[j] = setmetatable({ n = id * 1000 + j }, meta) end
        local got = copy(list)
        for j = 1, 20 do t.equal(got[j].x, id * 1000 + j) end
      end
    end)
    t.join(threads)
  end, { 1e-6, 1e-4 })
end)

t.test("finalizers do not run in the middle of a walk", function()
  local during, walking = 0, false
  local function garbage()
    for _ = 1, 100 do setmetatable({}, { __gc = function() if walking then during = during + 1 end end }) end
  end
  local list = {}
  for i = 1, 20000 do list[i] = { { { i } } } end
  pickle.dumps(list)
  garbage()
  walking = true
  pickle.dumps(list)
  walking = false
  t.near(during, 0, 100) -- the string that dumps makes may step the collector, after the walk
  t.equal(#copy(list), 20000)
end)

t.test("a yield in a __reduce is an ordinary error", function()
  local o = setmetatable({}, { __reduce = function() coroutine.yield() end })
  local co = coroutine.create(function() return pcall(pickle.dumps, o) end)
  local _, ok, e = coroutine.resume(co)
  t.equal(ok, false)
  t.equal(tostring(e):find("yield") ~= nil, true)
end)

t.test("typed arrays that overlap are one memory in the copy, and others send what they are", function()
  local b = native.buffer("i32", 1000000)
  local function through(...) return pickle.loads(pickle.dumps { ... }, { functions = true }) end
  local function check(...)
    local copies = through(...)
    copies[1][1] = 77
    t.equal(copies[2][1], 77)
    for i, original in ipairs { ... } do t.equal(#copies[i], #original) end
    return copies
  end
  check(b, b:view(1, 10))
  check(b:view(1, 10), b)
  check(b:view(1, 10), b:view(1, 5))
  check(b:view(1, 5), b:view(1, 10))
  local view_first = check(b:view(), b)
  view_first[1]:free()
  view_first[2]:resize(1) -- the root stays one
  check(b:view(1, 100):view(1, 10), b:view(1, 20))
  local list = check(b:view(5, 8), b:view(5, 10), b:view(9, 14), b:view(20, 25), b:view(0 + 1, 2))
  list[2][5] = 5
  t.equal(list[3][1], 5)
  t.equal(#pickle.dumps(list) < 500, true)
  t.equal(#pickle.dumps { b:view(1, 10), b:view(999990, 1000000) } < 500, true)
  t.equal(#pickle.dumps { b:view(1, 10), b:view(500, 510), b:view(100, 110) } < 700, true)
  t.equal(#through(b:view(2, 1), b, b:view(1000001, 1000000))[3], 0)
  local views = { b }
  for i = 1, 1000 do views[i + 1] = b:view(i, i + i % 7) end
  local copies = through(table.unpack(views))
  for i = 1, 1000 do copies[1][i] = i end
  for i = 1, 1000 do t.equal(copies[i + 1][1], i) end
end)

t.test("the __reduce of a typed array looks at what it is given", function()
  local b = native.buffer("u8", 3)
  local v, reduce = b:view(1, 2), debug.getmetatable(b).__reduce
  local shares = { 1 }
  reduce(b, shares)
  reduce(v, shares)
  for k in pairs(shares) do
    if type(k) == "userdata" then shares[k] = io.stdout end
  end
  for _, walk in ipairs { 2, 1, 2, "x" } do
    shares[1] = walk
    t.equal(type(reduce(v, shares)), "function")
  end
  for k, parts in pairs(shares) do
    if type(k) == "userdata" then debug.setuservalue(parts, 5, 1) end
  end
  t.equal(type(reduce(v, shares)), "function")
  t.raises("buffer expected", reduce, io.stdout, shares)
end)

t.finish()
