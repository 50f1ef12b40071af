-- Writes the C source of a module from what bind_read found.
local out

local function line(format, ...) out[#out + 1] = select("#", ...) > 0 and format:format(...) or format end

local prelude = [[
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "gilua_native.h"

/* Bytes that C reads: of a string, or of a buffer that is pinned. */
typedef struct Bytes {
  void *data;
  size_t length;
  int pinned; /* the argument's index, or 0 */
} Bytes;

static inline Bytes bytes_of_string(lua_State *L, int i) {
  Bytes b = {0};
  if (lua_type(L, i) == LUA_TSTRING) {
    b.data = (void *)lua_tolstring(L, i, &b.length);
  } else {
    gilua_Buffer buffer;
    gilua_buffer_check(L, i, NULL, &buffer);
    b.data = buffer.data;
    b.length = buffer.length * buffer.item_size;
    b.pinned = i;
  }
  return b;
}

static inline Bytes bytes_of_array(lua_State *L, int i, const char *type) {
  gilua_Buffer buffer;
  gilua_buffer_check(L, i, type, &buffer);
  Bytes b = {buffer.data, buffer.length, i};
  return b;
}

static inline const char *zero_ended(lua_State *L, int i) {
  size_t length;
  const char *s = luaL_checklstring(L, i, &length);
  luaL_argcheck(L, strlen(s) == length, i, "contains zeros, which would end it in C");
  return s;
}

static inline lua_Integer in_range(lua_State *L, int i, lua_Integer n, int fits) {
  luaL_argcheck(L, fits, i, "is out of the range of its C type");
  return n;
}

/* An object of the library; it is not closed while a call without the lock uses it. */
typedef struct Handle {
  void *object;
  unsigned users;
} Handle;

static inline Handle *open_handle(lua_State *L, int i, const char *type) {
  Handle *h = (Handle *)luaL_checkudata(L, i, type);
  if (h->object == NULL) luaL_argerror(L, i, "is closed");
  return h;
}

static inline Handle *new_handle(lua_State *L, const char *type) {
  Handle *h = (Handle *)lua_newuserdatauv(L, sizeof *h, 0);
  memset(h, 0, sizeof *h);
  luaL_setmetatable(L, type);
  return h;
}
]]

local function handle_name(module, base) return module.module .. "." .. base:gsub("^struct ", "") end

-- How an argument becomes a variable of the same name with v_ before it.
local function declare(module, f)
  local index = 0
  for _, p in ipairs(f.parameters) do
    if p.kind == "in" or p.kind == "inout" or p.kind == "string" or p.kind == "bytes" or p.kind == "array" or
      p.kind == "handle" or p.kind == "out bytes" then
      index = index + 1
      p.index = index
    end
    if p.kind == "in" or p.kind == "inout" then
      if p.number == "integer" then
        line("  lua_Integer i_%s = luaL_checkinteger(L, %d);", p.name, index)
        line("  %s v_%s = (%s)in_range(L, %d, i_%s, sizeof(%s) == sizeof(lua_Integer) || (lua_Integer)(%s)i_%s == i_%s);",
          p.base, p.name, p.base, index, p.name, p.base, p.base, p.name, p.name)
      else
        line("  %s v_%s = (%s)luaL_checknumber(L, %d);", p.base, p.name, p.base, index)
      end
    elseif p.kind == "string" then line("  const char *v_%s = zero_ended(L, %d);", p.name, index)
    elseif p.kind == "bytes" then line("  Bytes v_%s = bytes_of_string(L, %d);", p.name, index)
    elseif p.kind == "array" then line("  Bytes v_%s = bytes_of_array(L, %d, \"%s\");", p.name, index, p.element)
    elseif p.kind == "handle" then
      line("  Handle *v_%s = open_handle(L, %d, \"%s\");", p.name, index, handle_name(module, p.base))
    elseif p.kind == "out" then line("  %s v_%s = 0;", p.base, p.name)
    elseif p.kind == "out handle" then
      line("  %s *v_%s = NULL;", p.base, p.name)
      line("  Handle *h_%s = new_handle(L, \"%s\"); /* before the call: making it may fail */", p.name,
        handle_name(module, p.base))
      line("  int s_%s = lua_gettop(L);", p.name)
    elseif p.kind == "out bytes" then
      line("  lua_Integer n_%s = luaL_checkinteger(L, %d);", p.name, index)
      line("  luaL_argcheck(L, n_%s >= 0 && n_%s < PTRDIFF_MAX, %d, \"is no size\");", p.name, p.name, index)
    end
  end
  for _, p in ipairs(f.parameters) do
    if p.kind == "length" then
      local of = p.of
      local source = p.stars == 1 and "n_" .. of or "v_" .. of .. ".length"
      for _, q in ipairs(f.parameters) do if q.name == of and q.kind == "out bytes" then source = "n_" .. of end end
      line("  %s v_%s = (%s)%s;", p.base, p.name, p.base, source)
      line("  if ((lua_Integer)v_%s != (lua_Integer)%s) return luaL_error(L, \"%s: too long for its C type\");", p.name, source,
        f.lua_name)
    end
  end
  for _, p in ipairs(f.parameters) do
    if p.kind == "out bytes" then -- last: nothing may raise before it is freed
      line("  %s *v_%s = (%s *)malloc((size_t)n_%s + 1);", p.base, p.name, p.base, p.name)
      line("  if (v_%s == NULL) { %sreturn luaL_error(L, \"not enough memory\"); }", p.name, p.free_before or "")
    end
  end
end

local function argument(p)
  if p.kind == "bytes" or p.kind == "array" then return "(" .. p.c_type .. ")v_" .. p.name .. ".data" end
  if p.kind == "handle" then return "(" .. p.base .. " *)v_" .. p.name .. "->object" end
  if p.kind == "null" then return "NULL" end
  if p.kind == "out" or p.kind == "inout" or p.kind == "out handle" then return "&v_" .. p.name end
  if p.kind == "length" and p.stars == 1 then return "&v_" .. p.name end
  return "v_" .. p.name
end

-- Pins and counts what the call uses, or undoes that.
local function hold(f, begin)
  for _, p in ipairs(f.parameters) do
    if p.kind == "bytes" or p.kind == "array" then
      line("  if (v_%s.pinned) gilua_buffer_%s(L, v_%s.pinned);", p.name, begin and "pin" or "unpin", p.name)
    elseif p.kind == "handle" then line("  v_%s->users%s;", p.name, begin and "++" or "--") end
  end
end

local function call(module, f)
  local arguments = {}
  for i, p in ipairs(f.parameters) do arguments[i] = argument(p) end
  local text = ("%s(%s);"):format(f.name, table.concat(arguments, ", "))
  if f.returns ~= "nothing" then
    line("  %s%s %sresult%s;", f.const and "const " or "", f.base, ("*"):rep(f.stars), f.stars > 0 and " = NULL" or " = 0")
    text = "result = " .. text
  end
  if f.returns == "handle" then line("  Handle *h_result = new_handle(L, \"%s\");", handle_name(module, f.base)) end
  hold(f, true)
  line(f.keep and "  %s" or "  GILUA_BLOCKING(L) { %s }", text)
  hold(f, false)
end

local failed = { negative = "result < 0", nonzero = "result != 0", null = "result == NULL" }

-- What was made is released, and nil, message, code returned.
local function failure(f)
  if not f.error then return end
  line("  if (%s) {", failed[f.error])
  for _, p in ipairs(f.parameters) do
    if p.kind == "out bytes" then line("    free(v_%s);", p.name) end
    if p.kind == "out handle" then line("    h_%s->object = v_%s; /* the collector closes it */", p.name, p.name) end
  end
  line("    luaL_pushfail(L);")
  if f.message then line("    lua_pushstring(L, %s);", f.message)
  else line("    lua_pushstring(L, \"%s failed\");", f.name) end
  line(f.error == "null" and "    lua_pushinteger(L, 0);" or "    lua_pushinteger(L, (lua_Integer)result);")
  line("    return 3;")
  line("  }")
end

local function results(f)
  local n = 0
  line("  luaL_checkstack(L, %d, NULL);", #f.parameters + 4)
  if f.returns == "integer" and f.error ~= "nonzero" then
    line("  lua_pushinteger(L, (lua_Integer)result);") n = n + 1
  elseif f.returns == "real" then line("  lua_pushnumber(L, (lua_Number)result);") n = n + 1
  elseif f.returns == "string" then line("  lua_pushstring(L, result);") n = n + 1
  elseif f.returns == "handle" then
    line("  h_result->object = result;")
    line("  if (result == NULL) lua_pushnil(L);")
    n = n + 1
  end
  for _, p in ipairs(f.parameters) do
    if p.kind == "out" or p.kind == "inout" then
      line(p.number == "integer" and "  lua_pushinteger(L, (lua_Integer)v_%s);" or "  lua_pushnumber(L, (lua_Number)v_%s);",
        p.name)
      n = n + 1
    elseif p.kind == "out handle" then
      line("  h_%s->object = v_%s;", p.name, p.name)
      line("  if (v_%s == NULL) lua_pushnil(L); else lua_pushvalue(L, s_%s);", p.name, p.name)
      n = n + 1
    elseif p.kind == "out bytes" then
      line("  push_bytes(L, v_%s, (size_t)v_%s, (size_t)n_%s);", p.name, p.length.name, p.name)
      n = n + 1
    end
  end
  if n == 0 and f.error then line("  lua_pushboolean(L, 1);") n = 1 end
  line("  return %d;", n)
end

local function write_function(module, f)
  local names, seen_bytes = {}, {}
  for _, p in ipairs(f.parameters) do
    if p.kind == "out bytes" then
      p.free_before = table.concat(seen_bytes)
      seen_bytes[#seen_bytes + 1] = "free(v_" .. p.name .. "); "
    end
    if p.kind ~= "length" and p.kind ~= "out" and p.kind ~= "out handle" and p.kind ~= "null" then
      names[#names + 1] = p.kind == "out bytes" and "size of " .. p.name or p.name
    end
  end
  line("\n/* %s(%s) */", f.lua_name, table.concat(names, ", "))
  line("static int bind_%s(lua_State *L) {", f.name)
  declare(module, f)
  call(module, f)
  failure(f)
  results(f)
  line("}")
end

local push_bytes = [[

typedef struct Piece {
  const void *data;
  size_t length;
} Piece;

static int push_piece(lua_State *L) {
  const Piece *p = (const Piece *)lua_touserdata(L, 1);
  lua_pushlstring(L, (const char *)p->data, p->length);
  return 1;
}

/* Pushes what C wrote, and frees it, whatever happens. */
static void push_bytes(lua_State *L, void *data, size_t length, size_t capacity) {
  Piece piece = {data, length < capacity ? length : capacity};
  lua_pushcfunction(L, push_piece);
  lua_pushlightuserdata(L, &piece);
  int status = lua_pcall(L, 1, 1, 0);
  free(data);
  if (status != LUA_OK) lua_error(L);
}
]]

local function write_handles(module)
  local names = {}
  for base in pairs(module.handles) do names[#names + 1] = base end
  table.sort(names)
  for i, base in ipairs(names) do
    line([[

static int close_%d(lua_State *L) {
  Handle *h = (Handle *)luaL_checkudata(L, 1, "%s");
  if (h->users > 0) return luaL_error(L, "%s is in use by another thread");
  void *object = h->object;
  h->object = NULL;
  if (object != NULL) %s((%s *)object);
  return 0;
}]], i, handle_name(module, base), handle_name(module, base), module.handles[base], base)
  end
  return names
end

local function uses(module, kind)
  for _, f in ipairs(module.functions) do
    for _, p in ipairs(f.parameters) do if p.kind == kind then return true end end
  end
end

return function(module)
  out = { ("/* Made from %s by gilua bind; do not edit. */"):format(module.file) }
  for _, include in ipairs(module.includes) do line("%s", include) end
  out[#out + 1] = prelude
  if uses(module, "out bytes") then out[#out + 1] = push_bytes end
  local handles = write_handles(module)
  for _, f in ipairs(module.functions) do write_function(module, f) end
  line("\nint luaopen_%s(lua_State *L);", module.module)
  line("int luaopen_%s(lua_State *L) {", module.module)
  line("  static const luaL_Reg functions[] = {")
  for _, f in ipairs(module.functions) do line("      {\"%s\", bind_%s},", f.lua_name, f.name) end
  line("      {NULL, NULL},\n  };")
  line("  gilua_module(L, \"%s\", GILUA_MANY_RUNTIMES);", module.module)
  for i, base in ipairs(handles) do
    line("  luaL_newmetatable(L, \"%s\");", handle_name(module, base))
    for _, name in ipairs { "__gc", "__close" } do
      line("  lua_pushcfunction(L, close_%d);", i)
      line("  lua_setfield(L, -2, \"%s\");", name)
    end
    line("  lua_pop(L, 1);")
  end
  line("  luaL_newlib(L, functions);\n  return 1;\n}")
  return table.concat(out, "\n") .. "\n"
end
