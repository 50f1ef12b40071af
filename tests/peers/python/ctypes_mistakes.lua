local ctypes = require "gilua.ctypes"
local pow = ctypes.load "libm.so.6":func("pow", "double", { "double", "double" })
print(pow(2, 10))
if not pcall(pow, 2) then print "refused" end
if not pcall(pow, "x", 10) then print "refused" end
if not pcall(pow, nil, 1) then print "refused" end
local P = ctypes.struct { { "x", "int" } }
local p = P()
if not pcall(function() return p.y end) then print "no such field" end
if not pcall(function() p.x = "text" end) then print "no number" end
local a = ctypes.new("int", 2)
if not pcall(function() a[3] = 1 end) then print "outside" end
if not pcall(function() a[101] = 1 end) then print "outside" end
if ctypes.new("int*")[1] == nil then print "NULL" end -- nil, as char* gives
