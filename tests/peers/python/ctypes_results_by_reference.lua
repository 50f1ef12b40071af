local ctypes = require "gilua.ctypes"
local libm, libc = ctypes.load "libm.so.6", ctypes.load "libc.so.6"
local frexp = libm:func("frexp", "double", { "double", "int*" })
local e = ctypes.new "int"
print(frexp(48, e), e[1])
local modf = libm:func("modf", "double", { "double", "double*" })
local whole = ctypes.new "double"
print(modf(3.25, whole), whole[1])
local strtol = libc:func("strtol", "long", { "char*", "void*", "int" })
local rest, text = ctypes.new "char*", ctypes.new("char", "42 apples")
print(strtol(text, rest, 10), rest[1])
