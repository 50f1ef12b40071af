local ctypes = require "gilua.ctypes"
local libm, libc = ctypes.load "libm.so.6", ctypes.load "libc.so.6"
print(ctypes.func(libm:symbol "sqrt", "double", { "double" })(81))
local bsearch = libc:func("bsearch", "int*", { "void*", "void*", "size_t", "size_t", "void*" })
local a, calls = ctypes.new("int", { 1, 3, 5, 7, 9 }), 0
local compare <close> = ctypes.callback(function(x, y)
  calls = calls + 1
  return x[1] - y[1]
end, "int", { "int*", "int*" })
for _, key in ipairs { 7, 4 } do
  local found = bsearch(ctypes.new("int", { key }), a, 5, 4, compare)
  print(found ~= nil and found - a, calls > 0)
end
print(libc:var("optind", "int")[1])
