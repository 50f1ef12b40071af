-- gilua.ctypes: libraries, functions, types, pointers. arg[1] is the library of tests/support/ctypes_library.c.
local t = require "testing"
local ctypes = require "gilua.ctypes"
local native = require "gilua.native"
local threading = require "gilua.threading"

local lib = ctypes.load("./" .. arg[1])
local Point = ctypes.struct { { "x", "double" }, { "y", "double" } }

t.test("a function of the C library is called, with and without the lock", function()
  local libm = ctypes.load("libm.so.6")
  t.equal(libm:func("cos", "double", { "double" })(0.5), math.cos(0.5))
  t.equal(libm:func("cos", "double", { "double" }, { release = false })(0.5), math.cos(0.5))
  t.equal(ctypes.load("libc.so.6"):func("strlen", "size_t", { "char*" })("hello"), 5)
  t.equal(ctypes.load():func("abs", "int", { "int" })(-3), 3)
  t.equal(ctypes.load(nil):func("labs", "long", { "long" }, {})(-3), 3)
end)

t.test("a missing library, symbol or type is named", function()
  t.raises("cannot load library 'libnonsense.so.9'", ctypes.load, "libnonsense.so.9")
  t.raises("has no symbol 'nonsense'", lib.func, lib, "nonsense", "int")
  t.raises("unknown C type 'integer'", lib.func, lib, "echo_i32", "integer")
  t.raises("unknown C type 'int%[x%]'", ctypes.new, "int[x]")
  t.raises("C type or its name expected", lib.func, lib, "echo_i32", 5)
end)

local echoes = {
  { "i8", "int8_t", -128, 127, 128 }, { "u8", "uint8_t", 0, 255, -1 }, { "i16", "short", -32768, 32767, 40000 },
  { "u16", "unsigned short", 0, 65535, 65536 }, { "i32", "int", -2147483648, 2147483647, 2147483648 },
  { "u32", "unsigned int", 0, 4294967295, -1 }, { "i64", "long long", math.mininteger, math.maxinteger, 1.5 },
  { "u64", "size_t", 0, -1, 1.5 }, { "float", "float", 0.5, -1 / 0, "1" }, { "double", "double", 0.1, 1e300, "1" },
  { "long_double", "long double", 0.1, -2.5, true }, { "bool", "bool", true, false, "yes" },
  { "string", "const char *", "hello", "", 5 },
}
for _, e in ipairs(echoes) do
  t.test("a " .. e[2] .. " goes to C and back; what is none does not", function()
    for _, release in ipairs { true, false } do
      local f = lib:func("echo_" .. e[1], e[2], { e[2] }, { release = release })
      t.equal(f(e[3]), e[3])
      t.equal(f(e[4]), e[4])
      t.raises("echo_" .. e[1] .. ": argument 1: ", f, e[5])
      t.raises("argument 1: ", f, {})
    end
  end)
end

t.test("the number of arguments is checked", function()
  local f = lib:func("echo_i32", "int", { "int" })
  t.raises("echo_i32: 1 argument expected, got 0", f)
  t.raises("echo_i32: 1 argument expected, got 2", f, 1, 2)
end)

t.test("NULL is nil, both ways", function()
  local f = lib:func("echo_pointer", "void*", { "void*" })
  t.equal(f(nil), nil)
  t.equal(lib:func("echo_string", "char*", { "char*" })(nil), nil)
  local p = ctypes.new("int", 3)
  t.equal(f(p) == p, true)
  t.equal(ctypes.cast("int*", nil), nil)
end)

t.test("a string with zeros is refused as char*", function()
  t.raises("contains zeros", lib:func("echo_string", "char*", { "char*" }), "a\0b")
end)

t.test("many arguments of mixed types arrive", function()
  local f = lib:func("sum10", "double", { "int", "double", "int8_t", "float", "int64_t", "double", "uint8_t", "int",
    "double", "int64_t" })
  t.equal(f(1, 2, -3, 4, 5, 6, 7, 8, 9, 10), 49.0)
  local many = {}
  for i = 1, 33 do many[i] = "int" end
  t.raises("parameter 2: C type or its name expected, got number", lib.func, lib, "sum10", "double", { "int", 5 })
  t.raises("more than 32 parameters", lib.func, lib, "sum10", "double", many)
end)

t.test("variadic functions take values by C's rules", function()
  local f = lib:func("sum_variadic", "int64_t", { "int", "..." })
  t.equal(f(0), 0)
  t.equal(f(3, 1, -2, 30), 29)
  t.equal(lib:func("sum_variadic", "int64_t", { "int", "...", "int64_t", "int64_t" })(2, 40, 2), 42)
  local out = ctypes.new("char", 64)
  local snprintf = ctypes.load():func("snprintf", "int", { "char*", "size_t", "const char*", "..." })
  t.equal(snprintf(out, 64, "%s %d %.2f", "x", 5, 1.5), 8)
  t.equal(ctypes.string(out), "x 5 1.50")
  t.raises("cannot be passed behind", f, 1, {})
  t.raises("at least 1 argument expected, got 0", f)
  t.raises("behind \"...\" C passes", lib.func, lib, "sum_variadic", "int64_t", { "int", "...", "float" })
end)

t.test("structs go by value and by pointer", function()
  local p = lib:func("echo_point", Point, { Point })(Point { x = 1, y = 2 })
  t.equal(p.x + p.y, 3.0)
  t.equal(lib:func("echo_point", Point, { Point }) { 3, 4 }.y, 4.0)
  local Small = ctypes.struct { { "r", "u8" }, { "g", "u8" }, { "b", "u8" } }
  local s = lib:func("echo_small", Small, { Small }) { 1, 2, 255 }
  t.equal(s.r + s.g * 10 + s.b * 100, 25521)
  local points = ctypes.new(Point, 3)
  for i = 1, 3 do points[i].x, points[i].y = i, -i end
  lib:func("scale", nil, { ctypes.pointer(Point), "int", "double" })(points, 3, 10)
  t.equal(points[3].x, 30.0)
  t.equal(points[2].y, -20.0)
  t.raises("argument 1", lib:func("echo_point", Point, { Point }), 5)
  t.raises("no field 'z'", lib:func("echo_point", Point, { Point }), { z = 1 })
end)

t.test("the layout of a struct is C's", function()
  local Mixed = ctypes.struct { name = "Mixed", { "c", "char" }, { "i", "int32_t" }, { "a", "int16_t[3]" }, { "p", Point },
    { "name", "const char*" }, { "next", "void*" } }
  t.equal(ctypes.sizeof(Mixed), lib:func("size_of_mixed", "size_t")())
  t.equal(ctypes.offsetof(Mixed, "p"), 16)
  t.equal(ctypes.alignof(Mixed), 8)
  local m = Mixed { c = "A", i = 42, a = { 1, 2, 3 }, p = { x = 9, y = 8 }, name = "a " .. "name" }
  m.next = m
  collectgarbage()
  local r = lib:func("echo_mixed", Mixed, { Mixed })(m)
  t.equal(r.c, 65)
  t.equal(r.i, 42)
  t.equal(r.a[3], 3)
  t.equal(r.p.y, 8.0)
  t.equal(r.name, "a name")
  t.equal(ctypes.cast(ctypes.pointer(Mixed), r.next).p.x, 9.0)
  t.raises("out of range", function() return r.a[4] end)
  t.raises("no field 'none'", function() return r.none end)
  t.raises("out of the range of int32_t", function() r.i = 1 << 40 end)
end)

t.test("bad structs are refused", function()
  t.raises("no fields", ctypes.struct, {})
  t.raises("two fields are named 'x'", ctypes.struct, { { "x", "int" }, { "x", "int" } })
  t.raises("field 1 is no", ctypes.struct, { "x" })
  t.raises("field 'x' has no type", ctypes.struct, { { "x" } })
  t.raises("cannot be of this type", ctypes.struct, { { "x", "void" } })
  local U = ctypes.union { { "i", "int32_t" }, { "f", "float" } }
  local u = U { f = 1.0 }
  t.equal(u.i, 0x3f800000)
  t.raises("cannot be passed by value", lib.func, lib, "echo_i32", "int", { U })
  local nested = ctypes.type "int"
  t.raises("nested more than 200 deep", function()
    for _ = 1, 1000 do nested = ctypes.struct { { "x", nested } } end
  end)
  t.raises("nested more than 200 deep", ctypes.array, nested, 1)
  lib:func("echo_i32", nil, { nested })
end)

t.test("what cannot be passed or returned right is refused by name", function()
  local One = ctypes.struct { { "x", "long double" } }
  local Nested = ctypes.struct { { "a", ctypes.array(One, 1) } }
  t.raises("cannot be returned: libffi", lib.func, lib, "echo_long_double", One, { One })
  t.raises("cannot be returned: libffi", lib.func, lib, "echo_long_double", Nested, {})
  t.raises("cannot be returned: libffi", ctypes.callback, print, One, {})
  lib:func("echo_long_double", "int", { One, Nested })
  for _, name in ipairs { "double _Complex", "float complex", "__int128", "_Float16*", "va_list" } do
    t.raises("is not supported", ctypes.type, name)
  end
  t.raises("ctypes.struct", ctypes.type, "struct point")
  t.raises("an enum is an int", ctypes.type, "enum colour")
  t.raises("unknown option 'pack'", ctypes.struct, { pack = 1, { "x", "int" } })
  t.raises("unknown field 'relase'", lib.func, lib, "echo_i32", "int", { "int" }, { relase = false })
  t.raises("unknown field 'gobal'", ctypes.load, nil, { gobal = true })
end)

t.test("libraries are found by short names, also where the name without version is a text for the linker", function()
  t.equal(ctypes.load("m"):func("cos", "double", { "double" })(0), 1.0)
  t.equal(ctypes.load("c"):func("abs", "int", { "int" })(-3), 3)
  t.equal(ctypes.load("pthread"):symbol("pthread_self") ~= nil, true)
  t.raises("no_such_library.so.*give its file name", ctypes.load, "no_such_library")
end)

t.test("arguments stay where they are while others are made", function()
  local Big = ctypes.struct { { "x", "double[16]" } }
  local f = lib:func("sum_doubles", "double", { "double*", "size_t", "...", Big })
  for _ = 1, 200 do
    local b = native.buffer("f64", 1000):fill(1)
    local garbage = setmetatable({}, { __gc = function() b:resize(100000) end })
    garbage = nil
    t.equal(f(b, 1000, { x = { 1, 2, 3 } }), 1000.0)
  end
end)

t.test("arrays are checked, pointers can be moved and compared", function()
  local a = ctypes.new("int", { 5, 6, 7 })
  t.equal(#a, 3)
  t.equal(ctypes.sizeof(a), 12)
  t.raises("index 0 is out of range", function() return a[0] end)
  t.raises("index 4 is out of range", function() a[4] = 1 end)
  local b = a + 2
  t.equal(b[1], 7)
  t.equal(b - a, 2)
  t.equal(b > a, true)
  t.equal(b - 2 == a, true)
  t.raises("leave its array", function() return b - 3 end)
  t.raises("leave its array", function() return a + 4 end)
  local m = ctypes.new("int[2][3]")
  m[2][3] = 9
  t.equal(m[2][3], 9)
  t.equal(ctypes.sizeof("int[2][3]"), 24)
end)

t.test("memory stays while a pointer into it is there", function()
  local e = ctypes.new(Point, 1000)[1000]
  local q = ctypes.cast("double*", ctypes.cast("void*", e))
  e = nil
  collectgarbage()
  q[1] = 4
  t.equal(q[1], 4.0)
end)

t.test("buffers are passed as pointers to their elements", function()
  local b = native.buffer("f64", { 1, 2, 3 })
  for _, type in ipairs { "buffer", "double*", "const double *", "void*" } do
    t.equal(lib:func("sum_doubles", "double", { type, "size_t" })(b, 3), 6.0)
  end
  local f = lib:func("sum_doubles", "double", { "double*", "size_t" })
  t.equal(f(ctypes.new("double", { 4, 5 }), 2), 9.0)
  t.raises("double%* expected", f, native.buffer("f32", 3), 3)
  t.raises("double%* expected, got int%*", f, ctypes.new("int", 3), 3)
  local view = ctypes.cast("double*", b)
  view[2] = 20
  t.equal(b[2], 20.0)
  t.raises("in use", b.free, b)
  view = nil
  collectgarbage()
  collectgarbage()
  b:free()
  t.raises("was freed", f, b, 3)
end)

t.test("string, copy, cast and addressof move bytes and addresses", function()
  local s = ctypes.new("char", "hello")
  t.equal(#s, 6)
  t.equal(ctypes.string(s), "hello")
  t.equal(ctypes.string(s, 2), "he")
  t.raises("out of range", ctypes.string, s, 7)
  ctypes.copy(s, "HE")
  t.equal(ctypes.string(s), "HEllo")
  t.raises("out of range", ctypes.copy, s, "too long for it")
  t.equal(ctypes.cast("uintptr_t", s), ctypes.addressof(s))
  t.equal(ctypes.cast("char*", ctypes.addressof(s)) == s, true)
  t.equal(ctypes.cast("uint8_t", 300), 44)
  t.equal(ctypes.cast("int8_t", 255), -1)
  t.equal(ctypes.typeof(s) == ctypes.type("char"), true)
  t.equal(tostring(ctypes.type("unsigned  int*")), "unsigned int*")
end)

t.test("variables of a library are read and written", function()
  local counter = lib:var("counter", "int")
  t.equal(counter[1], 7)
  counter[1] = 8
  t.equal(lib:var("counter", "int")[1], 8)
  counter[1] = 7
  t.equal(lib:var("greeting", "char*")[1], "hello")
end)

t.test("errno is kept per thread", function()
  local set = lib:func("set_errno", "int", { "int" })
  ctypes.errno(0)
  t.equal(set(33), 0)
  local inside = threading.start(function()
    t.equal(ctypes.errno(), 0)
    set(11)
    return ctypes.errno()
  end)
  t.equal(inside:result(), 11)
  t.equal(ctypes.errno(5), 33)
  t.equal(set(1), 5)
  t.equal(ctypes.strerror(2), "No such file or directory")
  t.raises("out of the range of int", ctypes.strerror, 1 << 32 | 2)
  t.raises("out of the range of int", ctypes.errno, 1 << 32)
end)

t.test("a call leaves the lock", function()
  local libc, fds, byte = ctypes.load(), ctypes.new("int", 2), ctypes.new("char", 1)
  t.equal(libc:func("pipe", "int", { "int*" })(fds), 0)
  local read = libc:func("read", "ssize_t", { "int", "void*", "size_t" })
  local reader = threading.start(function() return read(fds[1], byte, 1) end)
  t.equal(reader:join(0.01), false) -- most of the time it reads by now, and with the lock nobody could write
  t.equal(libc:func("write", "ssize_t", { "int", "char*", "size_t" })(fds[2], "x", 1), 1)
  t.equal(reader:result(), 1)
  for i = 1, 2 do libc:func("close", "int", { "int" })(fds[i]) end
end)

t.test("what a type or new does not take is an error, as what ctypes of Python would take", function()
  local Point = ctypes.struct { name = "Point", { "x", "int" }, { "y", "int" } }
  t.raises("a Point takes its fields as one table", Point, 1, 2)
  t.raises("a Point takes its fields as one table", Point, 1)
  t.raises("no value expected", ctypes.new, "int", 2, 3)
  t.raises("no value expected", ctypes.type "int", 2, 3)
  for _, make in ipairs { ctypes.struct, ctypes.union } do
    t.raises("field 'x' has more than a name and a type: bit fields", make, { { "x", "int", 3 } })
  end
  t.equal(Point { 1, 2 }.y, 2)
  t.equal(#ctypes.new(Point, 3), 3)
end)

t.test("functions at addresses can be called", function()
  local f = ctypes.func(lib:symbol("echo_i32"), "int", { "int" })
  t.equal(f(12), 12)
end)

t.test("libraries are found by their names for the linker, also where that is a text", function()
  for _, name in ipairs { "m", "libm.so", "c", "libc.so", "libm.so.6" } do
    t.equal(ctypes.load(name):symbol "abs" ~= nil, true, name)
  end
  t.raises("cannot load library 'libnone.so'", ctypes.load, "libnone.so")
end)

t.test("values of every type may stand at any address; any byte but 0 is true", function()
  local bytes = ctypes.new("char", 64)
  local values = { int16_t = -2, uint16_t = 65534, int = -3, ["unsigned int"] = 4294967293, int64_t = 0x0102030405060708,
                   uint64_t = -1, float = 1.5, double = -2.25, ["long double"] = 3.5 }
  for name, value in pairs(values) do
    for offset = 0, 7 do
      local p = ctypes.cast(name .. "*", bytes + offset)
      p[1] = value
      t.equal(p[1], value, name)
    end
  end
  local text = ctypes.cast("char**", bytes + 3)
  text[1] = ctypes.new("char", "kept")
  collectgarbage()
  t.equal(text[1], "kept")
  bytes[1] = 5
  t.equal(ctypes.cast("bool*", bytes)[1], true)
end)

t.test("large memory is zero, and costs what is used of it", function()
  local function resident()
    for line in io.lines("/proc/self/status") do
      if line:match("^VmRSS") then return tonumber(line:match("%d+")) << 10 end
    end
  end
  local function check(make)
    local before = resident()
    local memory, n = make()
    t.equal(resident() - before < n // 2, true)
    for _, i in ipairs { 1, 2, 4096, 4097, n // 2, n - 4096, n - 1, n } do t.equal(memory[i], 0) end
    memory[n] = 7
    t.equal(memory[n], 7)
  end
  local n = (256 << 20) + 5
  check(function() return ctypes.new("unsigned char", n), n end)
  check(function()
    local b = native.buffer("u8", "x")
    b:resize(n)
    t.equal(b[1], 120)
    b[1] = 0
    return b, n
  end)
  for _ = 1, 3 do -- memory that was used before
    local p = ctypes.new("unsigned char", 6 << 20)
    for i = 1, #p, 1000 do
      t.equal(p[i], 0)
      p[i] = 1
    end
    p = nil
    collectgarbage()
  end
end)

t.finish()
