local ctypes = require "gilua.ctypes"
local snprintf = ctypes.load "libc.so.6":func("snprintf", "int", { "char*", "size_t", "char*", "..." })
local buffer = ctypes.new("char", 64)
local n = snprintf(buffer, 64, "%d %s %.2f", 5, "text", 1.5)
print(n, ctypes.string(buffer))
n = snprintf(buffer, 4, "%s", "too long")
print(n, ctypes.string(buffer))
n = snprintf(buffer, 64, "%%")
print(n, ctypes.string(buffer))
