-- gilua.ctypes against a C compiler: functions with random prototypes write down what they get, and give constants back.
-- Arguments: the first seed and how many; by default some with which libffi has been wrong. Needs cc.
local t = require "testing"
local ctypes = require "gilua.ctypes"

local seeds = { 1, 178, 1705 } -- with a struct in the last integer register, also behind "..."
if arg[1] then
  seeds = {}
  for seed = arg[1], arg[1] + (arg[2] or 1) - 1 do seeds[#seeds + 1] = math.tointeger(seed) end
end
local FUNCTIONS, STRUCTS = 60, 14
local random = math.random

-- Types: {c = as in C, name = for ctypes, kind}; structs have fields = {{name, type}}, arrays of and n.
local basics = {}
for _, bits in ipairs { 8, 16, 32, 64 } do
  basics[#basics + 1] = { kind = "integer", c = "int" .. bits .. "_t", low = bits == 64 and math.mininteger or -(1 << bits - 1),
    high = bits == 64 and math.maxinteger or (1 << bits - 1) - 1 }
  basics[#basics + 1] = { kind = "integer", c = "uint" .. bits .. "_t", low = bits == 64 and math.mininteger or 0,
    high = bits == 64 and math.maxinteger or (1 << bits) - 1 }
end
for _, c in ipairs { "float", "double", "long double" } do basics[#basics + 1] = { kind = "real", c = c } end
local function compiler_defines(name) return os.execute("cc -dM -E -xc /dev/null | grep -q " .. name) end
local arm64 = compiler_defines "__aarch64__"
local unsigned_char = compiler_defines "__CHAR_UNSIGNED__" -- arm64's has no sign
basics[#basics + 1] = { kind = "integer", c = "char", low = unsigned_char and 0 or -128, high = unsigned_char and 255 or 127 }
basics[#basics + 1] = { kind = "boolean", c = "bool" }
basics[#basics + 1] = { kind = "pointer", c = "void *" }
basics[#basics + 1] = { kind = "string", c = "const char *" }
for _, type in ipairs(basics) do type.name = type.c end

local function pick(list) return list[random(#list)] end

local structs

local function field_type(depth)
  local n = random(10)
  if n <= 2 and #structs > 0 then return pick(structs) end
  if n <= 4 and depth < 2 then
    local of, count = field_type(depth + 1), random(3)
    return { kind = "array", of = of, n = count, name = ctypes.array(of.name, count) }
  end
  return pick(basics)
end

local function new_struct(i)
  local s, fields = { kind = "struct", c = "S" .. i, fields = {} }, { name = "S" .. i }
  for k = 1, random(random(2) == 1 and 2 or 5) do
    s.fields[k] = { "f" .. k, field_type(0) }
    fields[k] = { "f" .. k, s.fields[k][2].name }
  end
  s.name = ctypes.struct(fields)
  return s
end

-- "int64_t f1[2][3]": arrays of arrays have their sizes behind the name.
local function declaration(type, name)
  while type.kind == "array" do name, type = name .. "[" .. type.n .. "]", type.of end
  return type.c .. " " .. name
end

local function value_of(type)
  if type.kind == "integer" then
    local n = random(6)
    return n == 1 and type.low or n == 2 and type.high or random(type.low, type.high)
  end
  if type.kind == "real" then return random(3) == 1 and random(-9, 9) + 0.0 or random(-(1 << 20), 1 << 20) / 256 end
  if type.kind == "boolean" then return random(2) == 1 end
  if type.kind == "pointer" then return random(4) > 1 and random(1, 1 << 40) or 0 end
  if type.kind == "string" then return ("text"):rep(random(0, 3)) end
  local list = {}
  for i = 1, type.kind == "array" and type.n or #type.fields do
    list[i] = value_of(type.kind == "array" and type.of or type.fields[i][2])
  end
  return list
end

local function literal(type, v)
  if type.kind == "integer" then return v == math.mininteger and "INT64_MIN" or v .. "LL" end
  if type.kind == "real" then return ("%a"):format(v) end
  if type.kind == "boolean" then return tostring(v) end
  if type.kind == "pointer" then return "(void *)" .. v .. "LL" end
  if type.kind == "string" then return '"' .. v .. '"' end
  local list = {}
  for i, x in ipairs(v) do list[i] = literal(type.of or type.fields[i][2], x) end
  return (type.kind == "struct" and "(" .. type.c .. ")" or "") .. "{" .. table.concat(list, ", ") .. "}"
end

-- As Lua passes it: pointers are integers until here.
local function to_lua(type, v)
  if type.kind == "pointer" then return v ~= 0 and ctypes.cast("void*", v) or nil end
  if type.kind ~= "struct" and type.kind ~= "array" then return v end
  local result = {}
  for i, x in ipairs(v) do
    local of = type.of or type.fields[i][2]
    if type.of and of.kind == "pointer" then
      result[i] = ctypes.cast("void*", x == 0 and 1 or x)
      if x == 0 then v[i] = 1 end -- a table has no holes
    elseif type.of then result[i] = to_lua(of, x)
    else result[type.fields[i][1]] = to_lua(of, x) end
  end
  return result
end

-- What stands in the record of a value: of one that was made here, or that ctypes gave (got).
local function record(type, v, out, got)
  if type.kind == "integer" then out[#out + 1] = ("%d"):format(v)
  elseif type.kind == "real" then out[#out + 1] = ("%a"):format(v)
  elseif type.kind == "boolean" then out[#out + 1] = v and "1" or "0"
  elseif type.kind == "pointer" then out[#out + 1] = ("%d"):format(got and (v and ctypes.addressof(v) or 0) or v)
  elseif type.kind == "string" then out[#out + 1] = "<" .. v .. ">"
  else
    for i = 1, type.n or #type.fields do
      if type.of then record(type.of, v[i], out, got)
      else record(type.fields[i][2], v[got and type.fields[i][1] or i], out, got) end
    end
  end
  return out
end

local function text(type, v, got) return table.concat(record(type, v, {}, got), " ") end

local log = {
  integer = 'note("%%lld", (long long)%s);', real = 'note("%%a", (double)%s);', boolean = 'note("%%d", %s);',
  pointer = 'note("%%lld", (long long)(intptr_t)%s);', string = 'note("<%%s>", %s);',
}

local function write_log(type, at, out)
  if type.kind == "array" then
    for i = 0, type.n - 1 do write_log(type.of, at .. "[" .. i .. "]", out) end
  elseif type.kind == "struct" then
    for _, f in ipairs(type.fields) do write_log(f[2], at .. "." .. f[1], out) end
  else
    out[#out + 1] = "  " .. log[type.kind]:format(at)
  end
end

local function any_type() return random(3) == 1 and pick(structs) or pick(basics) end
local function plain_type() -- what is called without libffi
  return pick { basics[5], basics[7], basics[8], basics[10], basics[10], basics[14] }
end

-- A function's result and parameters, with values for both ways.
local function new_function(i)
  local choose = random(4) == 1 and plain_type or any_type
  local f = { name = "f" .. i, parameters = {}, values = {}, ret = random(8) > 1 and choose() or nil }
  for k = 1, random(5) == 1 and random(0, 20) or random(0, 7) do
    f.parameters[k] = choose()
    f.values[k] = value_of(f.parameters[k])
  end
  f.result = f.ret and value_of(f.ret)
  f.fixed = random(6) == 1 and #f.parameters > 1 and random(#f.parameters - 1) or nil
  return f
end

local function promoted(type) -- behind "..."
  if type.c == "float" then return "double" end
  local small = type.kind == "boolean" or type.kind == "integer" and not (type.c:find "32" or type.c:find "64")
  return small and "int" or type.c
end

local function parameter_list(f, names)
  local list = {}
  for k, type in ipairs(f.parameters) do
    if f.fixed and k > f.fixed then list[k] = "..." break end
    list[k] = type.c .. (names and " p" .. k or "")
  end
  return #list > 0 and table.concat(list, ", ") or "void"
end

-- f itself, and call_f, which calls a function of its type with the values.
local function write_function(f, out)
  local ret = f.ret and f.ret.c or "void"
  out[#out + 1] = ("%s %s(%s) {\n  noted[0] = 0;"):format(ret, f.name, parameter_list(f, true))
  if f.fixed then
    out[#out + 1] = ("  va_list rest;\n  va_start(rest, p%d);"):format(f.fixed)
    for k = f.fixed + 1, #f.parameters do
      out[#out + 1] = ("  %s p%d = va_arg(rest, %s);"):format(promoted(f.parameters[k]), k, promoted(f.parameters[k]))
    end
    out[#out + 1] = "  va_end(rest);"
  end
  for k, type in ipairs(f.parameters) do write_log(type, "p" .. k, out) end
  out[#out + 1] = (f.ret and "  return " .. literal(f.ret, f.result) .. ";\n" or "") .. "}"
  if f.fixed then return end
  local values = {}
  for k, type in ipairs(f.parameters) do values[k] = literal(type, f.values[k]) end
  local call = ("g(%s);"):format(table.concat(values, ", "))
  out[#out + 1] = ("void call_%s(%s (*g)(%s)) {\n  noted[0] = 0;"):format(f.name, ret, parameter_list(f))
  out[#out + 1] = (f.ret and "  " .. ret .. " r = " or "  ") .. call
  if f.ret then write_log(f.ret, "r", out) end
  out[#out + 1] = "}"
end

local function source(functions)
  local out = { [[
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
char noted[1 << 16];
static void note(const char *format, ...) {
  size_t n = strlen(noted);
  if (n > 0) noted[n++] = ' ';
  va_list rest;
  va_start(rest, format);
  vsnprintf(noted + n, sizeof noted - n, format, rest);
  va_end(rest);
}]] }
  local layout = {}
  for _, s in ipairs(structs) do
    out[#out + 1] = "typedef struct {"
    layout[#layout + 1] = ("sizeof(%s), _Alignof(%s)"):format(s.c, s.c)
    for _, f in ipairs(s.fields) do
      out[#out + 1] = "  " .. declaration(f[2], f[1]) .. ";"
      layout[#layout + 1] = ("offsetof(%s, %s)"):format(s.c, f[1])
    end
    out[#out + 1] = "} " .. s.c .. ";"
  end
  out[#out + 1] = "size_t layout[] = {" .. table.concat(layout, ", ") .. "};"
  for _, f in ipairs(functions) do write_function(f, out) end
  return table.concat(out, "\n") .. "\n"
end

local function compile(code)
  local base = os.tmpname()
  local file <close> = assert(io.open(base .. ".c", "w"))
  assert(file:write(code))
  file:close()
  assert(os.execute(("cc -O1 -w -shared -fPIC %s.c -o %s.so"):format(base, base)))
  local lib = ctypes.load(base .. ".so")
  for _, name in ipairs { base, base .. ".c", base .. ".so" } do os.remove(name) end
  return lib
end

local function check_layout(lib)
  local layout = ctypes.cast("size_t*", lib:symbol "layout")
  local at = 0
  local function check(got, what)
    at = at + 1
    t.equal(got, layout[at], what)
  end
  for _, s in ipairs(structs) do
    check(ctypes.sizeof(s.name), "sizeof")
    check(ctypes.alignof(s.name), "alignof")
    for _, f in ipairs(s.fields) do check(ctypes.offsetof(s.name, f[1]), f[1]) end
  end
end

local function is_refused(type) -- one long double in a struct comes back in an x87 register that libffi does not read
  if not compiler_defines "__x86_64__" then return false end
  while type.kind == "array" or type.kind == "struct" and #type.fields == 1 and type.name do
    if type.kind == "array" and type.n > 1 then return false end
    type = type.of or type.fields[1][2]
  end
  return type.c == "long double"
end

local function noted(lib) return ctypes.string(ctypes.cast("char*", lib:symbol "noted")) end

local function check_call(lib, f, names)
  local parameters, values, sent, n = {}, {}, {}, #f.parameters
  for k, type in ipairs(f.parameters) do
    if f.fixed and k == f.fixed + 1 then parameters[#parameters + 1] = "..." end
    parameters[#parameters + 1] = f.fixed and k > f.fixed and promoted(type) ~= type.c and promoted(type) or type.name
    values[k] = to_lua(type, f.values[k])
    if f.fixed and k > f.fixed and type.kind == "boolean" then values[k] = f.values[k] and 1 or 0 end
  end
  for k, type in ipairs(f.parameters) do sent[k] = text(type, f.values[k]) end
  if names == "open" then parameters = { table.unpack(parameters, 1, f.fixed + 1) } end
  local call = lib:func(f.name, f.ret and f.ret.name, parameters, { release = random(2) == 1 })
  local got = call(table.unpack(values, 1, n))
  t.equal(noted(lib), table.concat(sent, " "), "arguments")
  if f.ret then t.equal(text(f.ret, got, true), text(f.ret, f.result), "result") end
end

local function check_callback(lib, f)
  local parameters = {}
  for k, type in ipairs(f.parameters) do parameters[k] = type.name end
  local seen
  local ret = f.ret and f.ret.kind ~= "string" and f.ret.name or f.ret and "void*" -- no string of Lua's
  local result = f.ret and to_lua(f.ret, f.result)
  if f.ret and f.ret.kind == "string" then result = ctypes.new("char", f.result) end
  local callback <close> = ctypes.callback(function(...)
    seen = {}
    for k, type in ipairs(f.parameters) do seen[k] = text(type, (select(k, ...)), true) end
    return result
  end, ret, parameters)
  lib:func("call_" .. f.name, nil, { "void*" })(callback)
  local want = {}
  for k, type in ipairs(f.parameters) do want[k] = text(type, f.values[k]) end
  t.equal(table.concat(seen, "|"), table.concat(want, "|"), "arguments of a callback")
  if f.ret then t.equal(noted(lib), text(f.ret, f.result), "result of a callback") end
end

-- Values behind an open "..." go as C promotes them only where Lua's number says so.
local function can_be_open(f)
  for k = f.fixed + 1, #f.parameters do
    local kind = f.parameters[k].kind
    if kind == "struct" or f.parameters[k].c == "long double" then return false end
  end
  return true
end

local function run(seed)
  math.randomseed(seed)
  structs = {}
  for i = 1, STRUCTS do structs[i] = new_struct(i) end
  local functions = {}
  for i = 1, FUNCTIONS do
    functions[i] = new_function(i)
    for k, type in ipairs(functions[i].parameters) do to_lua(type, functions[i].values[k]) end -- fills holes
    if functions[i].ret then to_lua(functions[i].ret, functions[i].result) end
  end
  local lib = compile(source(functions))
  check_layout(lib)
  for _, f in ipairs(functions) do
    local ok, problem = xpcall(function()
      if f.ret and f.ret.kind == "struct" and is_refused(f.ret) then
        t.raises("cannot be returned", lib.func, lib, f.name, f.ret.name, {})
        return
      end
      check_call(lib, f)
      if f.fixed and can_be_open(f) then check_call(lib, f, "open") end
      if not f.fixed then check_callback(lib, f) end
    end, debug.traceback)
    if not ok and not (arm64 and problem:find "libffi misplaces a") then
      local out = {}
      write_function(f, out)
      error(("seed %d: %s\n%s"):format(seed, problem, table.concat(out, "\n")), 0)
    end
  end
end

for _, seed in ipairs(seeds) do
  t.test("calls, layouts and callbacks are those of the C compiler, seed " .. seed, function() run(seed) end)
end

t.finish()
