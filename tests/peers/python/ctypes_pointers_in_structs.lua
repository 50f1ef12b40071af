local ctypes = require "gilua.ctypes"
local Node = ctypes.struct { { "value", "int" }, { "next", "void*" } }
local nodes = ctypes.new(Node, 3)
for i = 1, 3 do
  nodes[i].value = 10 * (i - 1)
  nodes[i].next = i < 3 and nodes + i or nil
end
local p, values = nodes, {}
while p do
  values[#values + 1] = p.value
  p = p.next and ctypes.cast(ctypes.pointer(Node), p.next)
end
print("[" .. table.concat(values, ", ") .. "]")
local Pair = ctypes.struct { { "a", Node }, { "b", "int[2]" } }
local pair = Pair()
pair.a.value = 5
pair.b[2] = 6
local copy = Pair()
ctypes.copy(copy, pair, ctypes.sizeof(Pair))
pair.a.value = 7
print(copy.a.value, pair.a.value, "[" .. copy.b[1] .. ", " .. copy.b[2] .. "]", ctypes.sizeof(Pair), ctypes.offsetof(Pair, "b"))
