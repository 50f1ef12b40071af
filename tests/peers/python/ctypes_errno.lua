local ctypes = require "gilua.ctypes"
local close = ctypes.load("libc.so.6"):func("close", "int", { "int" })
ctypes.errno(0)
print(close(-1), ctypes.errno() == 9)
print(ctypes.errno(5), ctypes.errno())
