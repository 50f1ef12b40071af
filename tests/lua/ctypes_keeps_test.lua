-- gilua.ctypes: memory whose address stands in other memory is kept, and goes where the address goes.
local t = require "testing"
local ctypes = require "gilua.ctypes"
local native = require "gilua.native"

local lib = ctypes.load(arg[1])
local Node = ctypes.struct { name = "Node", { "value", "int" }, { "data", "int*" } }
local Pair = ctypes.struct { name = "Pair", { "first", Node }, { "rest", ctypes.array(Node, 2) } }
local Either = ctypes.union { name = "Either", { "n", "int64_t" }, { "p", "int*" } }

local alive = setmetatable({}, { __mode = "k" })

-- New memory that says when it is gone, and a node that points there.
local function data()
  local p = ctypes.new("int", { 7, 8, 9 })
  alive[p] = true
  return p
end

local function node() return Node { value = 1, data = data() } end

local function count()
  collectgarbage()
  collectgarbage()
  local n = 0
  for p in pairs(alive) do n = n + (p[1] == 7 and 1 or 0) end
  return n
end

-- make() gives memory in which there are n such pointers; nothing else has them.
local function keeps(name, n, make)
  t.test(name, function()
    alive = setmetatable({}, { __mode = "k" })
    local memory = make()
    t.equal(count(), n, "while it is there")
    t.equal(memory ~= nil, true)
    memory = nil
    t.equal(count(), 0, "afterwards")
  end)
end

keeps("a field keeps what is stored there", 1, node)

keeps("so does the copy of a struct in an array", 3, function()
  local nodes = ctypes.new(Node, 3)
  for i = 1, 3 do nodes[i] = node() end
  return nodes
end)

keeps("so do elements that are copied within an array, over one another too", 2, function()
  local nodes = ctypes.new(Node, 5)
  for i = 1, 4 do nodes[i] = node() end
  ctypes.copy(nodes + 1, nodes, 3 * ctypes.sizeof(Node)) -- 1 1 2 3
  nodes[1] = { 0, nil }
  nodes[2] = nodes[5]
  nodes[4] = {}
  nodes[4].data = nil
  t.equal(nodes[2].data == nil, true)
  return nodes
end)

keeps("a nested struct, and an array of them in a struct", 3, function()
  local pair = Pair { first = node() }
  pair.rest = { node(), node() }
  local copy = Pair { first = pair.first, rest = pair.rest }
  return copy
end)

keeps("a struct that is made from another", 1, function() return ctypes.new(Node, node()) end)

keeps("structs in tables", 3, function() return Pair { node(), { node(), { 1, data() } } } end)

keeps("a union, also by its copy", 1, function()
  local from, to = Either(), ctypes.new(Either, 2)
  from.p = data()
  to[2] = from
  return to
end)

keeps("bytes that are copied, from the middle of an array to that of another", 2, function()
  local from, to = ctypes.new("int*", 4), ctypes.new("void*", 4)
  for i = 1, 4 do from[i] = data() end
  ctypes.copy(to + 2, from + 1, 2 * ctypes.sizeof("void*"))
  return to
end)

keeps("memory that was cast", 2, function()
  local bytes = ctypes.new("char", 2 * ctypes.sizeof(Node))
  local nodes = ctypes.cast(ctypes.pointer(Node), bytes)
  nodes[1], nodes[2] = node(), node()
  return bytes
end)

keeps("a buffer, by whatever pointer it was stored there", 2, function()
  local b = native.buffer("i64", 16)
  ctypes.cast("int**", b)[1] = data()
  ctypes.cast(ctypes.pointer(Node), b:view(3))[1] = node()
  return b
end)

keeps("a buffer that is copied into another by ctypes.copy", 1, function()
  local a, b = native.buffer("u8", 64), native.buffer("u8", 64)
  ctypes.cast("int**", a)[2] = data()
  ctypes.copy(b, a)
  return b
end)

keeps("a pointer that is read from a struct", 1, function() return node().data end)
keeps("a struct in a struct that is read from an array", 1, function()
  local pairs_ = ctypes.new(Pair, 2)
  pairs_[2].rest[2] = node()
  return pairs_[2].rest + 1
end)

keeps("a pointer that was moved many times", 1, function()
  local p = data()
  for _ = 1, 1000 do p = p + 1 - 1 end
  return p
end)

keeps("a struct that C returned keeps what was in the argument", 1, function()
  local Mixed = ctypes.struct { { "c", "char" }, { "i", "int32_t" }, { "a", "int16_t[3]" }, { "p", "double[2]" },
    { "name", "const char*" }, { "next", "void*" } }
  local echo = lib:func("echo_mixed", Mixed, { Mixed })
  local r = echo { name = "n" .. math.random(9), next = data() }
  t.equal(#r.name, 2)
  local again = echo(r)
  r = nil
  return again
end)

for name, copy in pairs {
  copy = function(b) return b:copy() end,
  sub = function(b) return b:sub(2, 3) end,
  move = function(b) return b:move(1, 3, 2, native.buffer("i64", 4)) end,
  assign = function(b) return native.buffer("i64", 3):assign(1, b) end,
  buffer = function(b) return native.buffer("i64", b) end,
  ["assign of a view"] = function(b) return native.buffer("i64", 2):assign(1, b:view(2)) end,
} do
  keeps("a buffer keeps what the elements of another lead to that were copied: " .. name, 1, function()
    local b = native.buffer("i64", 3)
    ctypes.cast("int**", b)[2] = data()
    return copy(b)
  end)
end

t.test("a finalizer that frees or resizes a buffer amid a copy of pointers is an error, or comes after", function()
  for _, spoil in ipairs { function(b) b:free() end, function(b) b:resize(1) end } do
    for _, which in ipairs { 1, 2 } do
      for place = 1, t.places do
        local from, to = native.buffer("i64", 3), native.buffer("i64", 3)
        local p = ctypes.new("void*", 1)
        p[1] = data()
        ctypes.copy(from, p, 8)
        for _ = 1, place do setmetatable({}, { __gc = function() spoil(which == 1 and from or to) end }) end
        local ok, err = pcall(to.assign, to, 1, from)
        t.equal(ok or err:find("buffer") ~= nil, true, tostring(err))
        collectgarbage()
      end
    end
  end
end)

t.test("what is overwritten is let go", function()
  alive = setmetatable({}, { __mode = "k" })
  local n = node()
  n.data = data()
  t.equal(count(), 1)
  n.data = ctypes.cast("int*", ctypes.addressof(n))
  t.equal(count(), 0)
  n = node()
  ctypes.copy(n, ("\0"):rep(ctypes.sizeof(Node)))
  t.equal(count(), 0)
  t.equal(n.data, nil)
  n = node()
  ctypes.copy(n, "\1\0\0\0") -- beside the pointer
  t.equal(count(), 1)
end)

t.test("types that only strings named are let go", function()
  local types = setmetatable({}, { __mode = "k" })
  for i = 1, 100 do types[ctypes.type("char[" .. i .. "]")] = true end
  collectgarbage()
  collectgarbage()
  t.equal(next(types), nil)
end)

t.finish()
