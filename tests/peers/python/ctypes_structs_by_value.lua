local ctypes = require "gilua.ctypes"
local libc = ctypes.load "libc.so.6"
local Div = ctypes.struct { { "quot", "int" }, { "rem", "int" } }
local d = libc:func("div", Div, { "int", "int" })(17, 5)
print(d.quot, d.rem)
local LDiv = ctypes.struct { { "quot", "long" }, { "rem", "long" } }
d = libc:func("ldiv", LDiv, { "long", "long" })(-(1 << 40), 7)
print(d.quot, d.rem)
