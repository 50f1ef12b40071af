local ctypes, threading = require "gilua.ctypes", require "gilua.threading"
local log, gate, ts = {}, threading.Barrier(3), {}
for n = 1, 3 do
  ts[n] = threading.start(function()
    ctypes.errno(n)
    gate:wait()
    log[n] = ctypes.errno()
  end)
end
for n = 1, 3 do ts[n]:join() end
print(log[1], log[2], log[3], ctypes.errno())
local qsort = ctypes.load "libc.so.6":func("qsort", "void", { "void*", "size_t", "size_t", "void*" })
local idents = {}
local compare <close> = ctypes.callback(function(x, y)
  idents[threading.get_ident()] = true
  return x[1] - y[1]
end, "int", { "int*", "int*" })
local a, mine = threading.start(function()
  local a = ctypes.new("int", { 3, 1, 2 })
  qsort(a, 3, 4, compare)
  return a, idents[threading.get_ident()]
end):result()
print("[" .. table.concat({ a[1], a[2], a[3] }, ", ") .. "]", mine)
