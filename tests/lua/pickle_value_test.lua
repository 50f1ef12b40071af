-- gilua.pickle: scalars, strings and tables.
local t = require "testing"
local pickle = require "gilua.pickle"

local function copy(v, options) return pickle.loads(pickle.dumps(v), options) end

t.test("integers and floats stay apart, bit for bit", function()
  local numbers = { 0, 1, 127, 128, -1, -128, -129, 32767, 32768, -32768, -32769, 2147483647, 2147483648, -2147483648,
    -2147483649, math.maxinteger, math.mininteger, 0.0, -0.0, 1.0, 0.1, 2 ^ 53, 2 ^ 63, 1 / 0, -1 / 0, 5e-324 }
  for _, v in ipairs(numbers) do
    t.equal(math.type(copy(v)), math.type(v), tostring(v))
    t.equal(string.pack("n", copy(v)), string.pack("n", v), tostring(v))
  end
end)

t.test("a NaN keeps its sign and payload", function()
  for _, bits in ipairs { 0x7FF8000000000000, 0xFFF8000000000001, 0x7FF8DEADBEEF1234 } do
    local nan = string.unpack("d", string.pack("i8", bits))
    t.equal(string.unpack("i8", string.pack("d", copy(nan))), bits)
  end
end)

t.test("nil and booleans travel", function()
  t.equal(copy(nil), nil)
  t.equal(copy(true), true)
  t.equal(copy(false), false)
end)

t.test("strings of all lengths travel with all bytes", function()
  for _, n in ipairs { 0, 1, 31, 32, 40, 41, 127, 128, 255, 256, 32767, 32768, 32769, 1000000 } do
    local s = ("\0\255x\n"):rep(n // 4 + 1):sub(1, n)
    t.equal(copy(s), s)
  end
end)

t.test("a string that occurs often is written twice at most", function()
  for _, s in ipairs { "identifier", ("long"):rep(100) } do
    local list = {}
    for i = 1, 1000 do list[i] = s end
    local bytes = pickle.dumps(list)
    local _, n = bytes:gsub(s, "")
    t.near(n, 1, 2)
    for _, got in ipairs(copy(list)) do t.equal(got, s) end
  end
end)

t.test("more strings than the writer remembers keep their places", function()
  local list = {}
  for round = 0, 3 do
    for i = 1, 1000 do list[round * 1000 + i] = "string " .. i end
  end
  for i, got in ipairs(copy(list)) do t.equal(got, list[i]) end
end)

t.test("lists, holes, pairs and keys of every kind travel", function()
  local v = copy { 1, nil, 3, nil, nil, 6, x = "y", [2.5] = "float", [true] = "yes", [false] = "no", [-1] = "minus",
    [math.maxinteger] = "most", ["1"] = "a string", [1 << 40] = {} }
  t.equal(v[1], 1)
  t.equal(v[2], nil)
  t.equal(v[3], 3)
  t.equal(v[6], 6)
  t.equal(v.x, "y")
  t.equal(v[2.5], "float")
  t.equal(v[true], "yes")
  t.equal(v[false], "no")
  t.equal(v[-1], "minus")
  t.equal(v[math.maxinteger], "most")
  t.equal(v["1"], "a string")
  t.equal(type(v[1 << 40]), "table")
end)

t.test("a list in the hash part of its table is whole", function()
  local v = {}
  for i = 1, 300 do v["k" .. i] = i end
  for i = 1, 299 do v["k" .. i] = nil end
  for i = 1, 500 do v[i] = i * 2 end
  local got, n = copy(v), 0
  for k, x in pairs(got) do
    n = n + 1
    t.equal(x, v[k])
  end
  t.equal(n, 501)
end)

t.test("strings that look like indexes are not taken for them", function()
  for n = 1, 40 do
    local v, count = {}, 0
    for i = 1, n do v[tostring(i)] = "s" .. i end
    for i = n, 1, -1 do v[i] = i end
    for k, x in pairs(copy(v)) do
      count = count + 1
      t.equal(x, v[k])
    end
    t.equal(count, 2 * n)
  end
end)

t.test("random tables travel whole", function()
  math.randomseed(7)
  local function random(depth)
    local kind = math.random(depth > 4 and 5 or 7)
    if kind == 1 then return math.random(-300, 300) end
    if kind == 2 then return math.random() end
    if kind == 3 then return ("k"):rep(math.random(0, 60)) end
    if kind == 4 then return math.random(2) == 1 end
    if kind == 5 then return math.random(0) end
    local v = {}
    for i = 1, math.random(0, 20) do v[math.random(3) == 1 and "f" .. math.random(30) or i] = random(depth + 1) end
    return v
  end
  local function same(a, b)
    if type(a) ~= "table" then return a == b and math.type(a) == math.type(b) end
    for k, v in pairs(a) do if not same(v, b[k]) then return false end end
    for k in pairs(b) do if a[k] == nil then return false end end
    return true
  end
  for _ = 1, 300 do
    local v = random(0)
    t.equal(same(v, copy(v)), true)
  end
end)

t.test("cycles and shared tables stay so", function()
  local a = { list = {} }
  a.self, a.list[1], a.list[2] = a, a.list, { up = a }
  a[a.list] = "a table as key"
  local b = copy(a)
  t.equal(b.self, b)
  t.equal(b.list[1], b.list)
  t.equal(b.list[2].up, b)
  t.equal(b[b.list], "a table as key")
  local key = { 1 }
  local c = copy { [key] = key, [{ 2 }] = { 3 } }
  local found = 0
  for k, v in pairs(c) do
    if k == v then found = found + k[1] else found = found + k[1] + v[1] end
  end
  t.equal(found, 6)
end)

t.test("nested tables travel, deeper than the stack is", function()
  local root = {}
  local v = root
  for i = 1, 500 do
    local child = {}
    if i % 3 == 0 then v[1] = child elseif i % 3 == 1 then v.x = child else v[child] = i end
    v = child
  end
  v = copy(root)
  for i = 1, 500 do
    if i % 3 == 0 then v = v[1] elseif i % 3 == 1 then v = v.x else v = next(v) end
  end
  t.equal(next(v), nil)
end)

t.test("metatables by value are set, also on themselves and in cycles", function()
  local meta = { tag = "m" }
  meta.inside = setmetatable({ 1 }, meta)
  local v = copy { setmetatable({}, meta), setmetatable({}, meta), meta }
  t.equal(getmetatable(v[1]), v[3])
  t.equal(getmetatable(v[2]), v[3])
  t.equal(getmetatable(v[3].inside), v[3])
  t.equal(v[3].tag, "m")
  local self = setmetatable({}, {})
  setmetatable(self, self)
  local got = copy(self)
  t.equal(getmetatable(got), got)
end)

t.test("weak tables keep what the message holds elsewhere", function()
  local v = {}
  for i = 1, 100 do v[i] = { i } end
  local weak = setmetatable({}, { __mode = "v" })
  for i = 1, 100 do weak[i] = v[i] end
  local got = copy { weak = weak, strong = v }
  collectgarbage()
  for i = 1, 100 do t.equal(got.weak[i], got.strong[i]) end
end)

t.test("no metamethod is called", function()
  local function never() error "called" end
  local meta = {}
  for _, name in ipairs { "index", "newindex", "len", "pairs", "eq", "tostring", "name", "call", "metatable" } do
    meta["__" .. name] = name ~= "name" and name ~= "metatable" and never or name
  end
  local v = copy({ setmetatable({ 1, 2, x = 3 }, meta) }, { functions = true })
  t.equal(rawget(v[1], 2), 2)
  t.equal(rawget(v[1], "x"), 3)
end)

t.finish()
