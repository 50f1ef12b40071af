local ctypes = require "gilua.ctypes"
local U = ctypes.union { { "i", "uint32_t" }, { "b", "uint8_t[4]" }, { "f", "float" } }
local u = U()
u.i = 0x01020304
print("[" .. table.concat({ u.b[1], u.b[2], u.b[3], u.b[4] }, ", ") .. "]", ctypes.sizeof(U))
u.f = 1
print(("0x%x"):format(u.i))
local a = ctypes.new("int", { 1, 256 })
local p = ctypes.cast("uint8_t*", a)
print(p[1], p[5], p[6])
print(ctypes.sizeof "char", ctypes.sizeof "short", ctypes.sizeof "int", ctypes.sizeof "long long",
  ctypes.sizeof "void*", ctypes.sizeof "double", ctypes.sizeof "long double", ctypes.alignof "int64_t")
local f, d = ctypes.new "float", ctypes.new "double"
f[1], d[1] = 0.1, 0.1
print(f[1] == 0.1, d[1] == 0.1)
local function through(type, v)
  local x = ctypes.new(type)
  x[1] = v
  return x[1]
end
print(through("bool", true), through("int8_t", -128), through("uint16_t", 65535))
