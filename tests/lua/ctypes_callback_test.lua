-- ctypes.callback: Lua functions that C calls. arg[1] is the library of tests/support/ctypes_library.c.
local t = require "testing"
local ctypes = require "gilua.ctypes"
local threading = require "gilua.threading"
local gilua = require "gilua"

local lib = ctypes.load("./" .. arg[1])
local double = ctypes.callback(function(i) return i * 2 end, "int", { "int" })

for _, release in ipairs { true, false } do
  local call_n = lib:func("call_n", "int", { "void*", "int" }, { release = release })
  local how = release and " (the lock is left)" or " (the lock is kept)"

  t.test("C calls a Lua function" .. how, function()
    t.equal(call_n(double, 4), 20)
    t.equal(call_n(double, 0), 0)
  end)

  t.test("an error in a callback reaches the Lua caller of the C function, and stops further calls" .. how, function()
    local calls, value = 0, { code = 1 }
    local bad <close> = ctypes.callback(function(i)
      calls = calls + 1
      if i == 3 then error(value) end
      return i
    end, "int", { "int" })
    local ok, err = pcall(call_n, bad, 1000)
    t.equal(ok, false)
    t.equal(err, value)
    t.equal(calls, 3)
    t.equal(call_n(double, 1), 2)
  end)

  t.test("callbacks nest, and an error goes out one level" .. how, function()
    local inner <close> = ctypes.callback(function(i) if i == 2 then error("inner", 0) end return i end, "int", { "int" })
    local seen
    local outer <close> = ctypes.callback(function(i)
      local ok, err = pcall(call_n, inner, 5)
      seen = err
      return i
    end, "int", { "int" })
    t.equal(call_n(outer, 2), 3)
    t.equal(seen, "inner")
  end)
end

local call_n = lib:func("call_n", "int", { "void*", "int" })

t.test("a bad result of a callback is an error of the caller", function()
  local bad <close> = ctypes.callback(function() return "x" end, "int", { "int" })
  t.raises("result of a callback: int expected, got string", call_n, bad, 1)
  local none <close> = ctypes.callback(function() end, "int", { "int" })
  t.raises("result of a callback: int expected, got nil", call_n, none, 1)
end)

t.test("qsort calls back with pointers", function()
  local qsort = ctypes.load():func("qsort", nil, { "void*", "size_t", "size_t", "void*" })
  local values, list = {}, {}
  for i = 1, 200 do values[i] = math.random(1000) end
  local a = ctypes.new("int", values)
  local compare <close> = ctypes.callback(function(x, y) return x[1] - y[1] end, "int", { "const int*", "const int*" })
  qsort(a, #a, 4, compare)
  table.sort(values)
  for i = 1, #a do list[i] = a[i] end
  t.equal(table.concat(list, " "), table.concat(values, " "))
end)

t.test("structs, strings and narrow types pass through a callback", function()
  local Point = ctypes.struct { { "x", "double" }, { "y", "double" } }
  local kept
  local f <close> = ctypes.callback(function(p, s) kept = p return { p.x + 1, #s } end, Point, { Point, "char*" })
  local r = lib:func("call_point", Point, { "void*", Point })(f, { 1, 2 })
  t.equal(r.x, 2.0)
  t.equal(r.y, 5.0)
  t.equal(kept.y, 2.0)
  local g <close> = ctypes.callback(function(a, b, n) return a + b + (n == nil and 0 or 100) end, "double",
    { "float", "int8_t", "void*" })
  t.equal(lib:func("call_double", "double", { "void*", "float", "int8_t" })(g, 0.5, -3), -2.5)
end)

t.test("a thread of the C library may call", function()
  local in_thread = lib:func("call_n_in_thread", "int", { "void*", "int" })
  local main, other = threading.get_ident(), nil
  local f <close> = ctypes.callback(function(i) other = threading.get_ident() return i end, "int", { "int" })
  t.equal(in_thread(f, 10), 55)
  t.equal(other ~= nil and other ~= main, true)
  t.join(t.start(4, function() for _ = 1, 10 do t.equal(in_thread(double, 4), 20) end end))
end)

-- What the program prints when it runs that script.
local function run(script)
  local path = os.tmpname()
  local file = assert(io.open(path, "w"))
  assert(file:write('local ctypes, threading = require "gilua.ctypes", require "gilua.threading"\n', script))
  file:close()
  local p <close> = io.popen(os.getenv("GILUA") .. " " .. path .. " 2>&1")
  local text = p:read("a")
  os.remove(path)
  return text
end

t.test("while C may call back, a wait of every thread is none in vain", function()
  local text = run(([[
    local event = threading.Event()
    local f = ctypes.callback(function() event:set() end)
    assert(ctypes.load(%q):func("call_later", "int", { "void*" })(f) == 0)
    threading.start(function() print(event:wait()) end) -- main ends: nobody of Lua could wake it
  ]]):format(arg[1]))
  t.equal(text, "true\n")
  text = run [[
    ctypes.callback(print):free()
    threading.start(function() print(pcall(threading.Event().wait, threading.Event())) end)
  ]]
  t.equal(text:match "every thread waits", "every thread waits")
end)

t.test("a callback's struct results arrive, and zeros after an error", function()
  local Big = ctypes.struct { { "x", "double[4]" }, { "n", "int64_t" } }
  local call, last = lib:func("call_big", "int64_t", { "void*" }), lib:var("last_big", "int64_t")
  local good <close> = ctypes.callback(function(b) b.x[4], b.n = 5, b.n + 1 return b end, Big, { Big })
  t.equal(call(good), 11 + 41)
  local bad <close> = ctypes.callback(function() return { { 1, 2, 3, 4 }, "no number" } end, Big, { Big })
  t.raises("int64_t expected, got string", call, bad)
  t.equal(last[1], 0)
  local text <close> = ctypes.callback(function() return "text" end, "void*", { "int" })
  t.raises("C would keep a string's address", call_n, text, 1)
end)

t.test("callbacks run in many threads at tiny intervals, and a coroutine may make the call", function()
  t.at_intervals(function()
    t.join(t.start(4, function(k)
      local f <close> = ctypes.callback(function(i) return i * k end, "int", { "int" })
      for _ = 1, 20 do
        t.equal(call_n(f, 10), 55 * k)
        t.equal(coroutine.wrap(function() return call_n(f, 4) end)(), 10 * k)
      end
    end))
  end, { 1e-6, 2e-4 })
end)

t.test("a cancel in a callback ends the call", function()
  local f <close> = ctypes.callback(function() while true do end end, "int", { "int" })
  local thread = threading.start(call_n, f, 5)
  t.equal(thread:join(0.02), false)
  thread:cancel()
  t.equal(thread:join(t.limit), true)
  t.raises_kind("cancelled", thread.result, thread)
end)

t.test("a callback cannot yield", function()
  local f <close> = ctypes.callback(function() coroutine.yield() end, "void", {})
  t.raises("yield across a C%-call boundary", coroutine.wrap(function() call_n(f, 1) end))
end)

t.test("a freed callback is refused, a running one is not freed", function()
  local f = ctypes.callback(function() return 1 end, "int", { "int" })
  f:free()
  f:free()
  t.raises("was freed", call_n, f, 1)
  local g
  g = ctypes.callback(function() g:free() return 1 end, "int", { "int" })
  t.raises("is running", call_n, g, 1)
  g:free()
end)

t.test("bad callbacks are refused", function()
  t.raises("function expected", ctypes.callback, 5, "int", {})
  t.raises("cannot be variadic", ctypes.callback, print, "int", { "int", "..." })
  t.raises("cannot return a Lua string", ctypes.callback, print, "char*", {})
end)

t.finish()
