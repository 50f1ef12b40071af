local ctypes = require "gilua.ctypes"
local Point = ctypes.struct { { "x", "double" }, { "y", "double" } }
local Mixed = ctypes.struct { { "c", "char" }, { "i", "int" }, { "s", "short" }, { "p", Point } }
print(ctypes.sizeof(Point), ctypes.sizeof(Mixed), ctypes.offsetof(Mixed, "i"), ctypes.offsetof(Mixed, "p"))
local p = Point { x = 1.5, y = 2 }
print(p.x, p.y)
p.x = 7
print(p.x)
local a = ctypes.new("int", 4)
for i = 1, 3 do a[i] = i end
print("[" .. a[1] .. ", " .. a[2] .. ", " .. a[3] .. ", " .. a[4] .. "]", #a, 4 * ctypes.sizeof "int")
a[4] = 9
print(a[4])
if not pcall(function() return a[5] end) then print "outside" end
local m = Mixed {}
m.p.x = 2.5
print(m.p.x, m.i)
print(300 & 0xFF, -(1 << 31)) -- an integer out of range is an error here
