local ctypes = require "gilua.ctypes"
local libc, libm = ctypes.load "libc.so.6", ctypes.load "libm.so.6"
local cos = libm:func("cos", "double", { "double" })
print(cos(0.0), string.format("%.16g", cos(1)))
print(libc:func("strlen", "size_t", { "char*" })("four"))
print(libc:func("getenv", "char*", { "char*" })("NO_SUCH_VARIABLE"))
print(libc:func("abs", "int", { "int" })(-5))
if not pcall(cos, "x") then print "wrong type" end
if not pcall(libc.func, libc, "no_such_function", "int", {}) then print "no such function" end
if not pcall(ctypes.load, "libnothing.so") then print "no such library" end
print(string.char(libc:func("toupper", "int", { "int" })(("a"):byte())))
