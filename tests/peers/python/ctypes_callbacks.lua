local ctypes = require "gilua.ctypes"
local qsort = ctypes.load("libc.so.6"):func("qsort", "void", { "void*", "size_t", "size_t", "void*" })
local a = ctypes.new("int", { 5, 1, 7, 33, 99 })
local function list()
  local got = {}
  for i = 1, #a do got[i] = a[i] end
  return "[" .. table.concat(got, ", ") .. "]"
end
for _, f in ipairs { function(x, y) return x[1] - y[1] end, function(x, y) return y[1] - x[1] end } do
  local compare <close> = ctypes.callback(f, "int", { "int*", "int*" })
  qsort(a, #a, ctypes.sizeof "int", compare)
  print(list())
end
