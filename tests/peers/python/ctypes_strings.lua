local ctypes = require "gilua.ctypes"
local libc = ctypes.load "libc.so.6"
local strchr = libc:func("strchr", "char*", { "char*", "int" })
print(strchr("abcdef", ("d"):byte()), strchr("abcdef", ("x"):byte()))
local buffer = ctypes.new("char", "text")
print(#buffer, ctypes.string(buffer), #ctypes.string(buffer, 5))
ctypes.copy(buffer, "next", 4)
print(ctypes.string(buffer), ctypes.string(buffer), ctypes.string(buffer, 2))
buffer = ctypes.new("char", 10)
print(#buffer, ctypes.string(buffer) == "")
local strlen = libc:func("strlen", "size_t", { "char*" })
print(strlen "", strlen "four")
local strdup, free = libc:func("strdup", "void*", { "char*" }), libc:func("free", "void", { "void*" })
local p = strdup "copied"
print(ctypes.string(ctypes.cast("char*", p)))
free(p)
