-- Writes the C source of a module from what bind_read found.
local text = require "bind_text"
local out

local function line(format, ...) out[#out + 1] = select("#", ...) > 0 and format:format(...) or format end

local function handle_name(module, base) return module.module .. "." .. base:gsub("^struct ", "") end

-- What is an argument in Lua: those of a call have these numbers.
local arguments = { ["in"] = 1, inout = 1, string = 1, bytes = 1, array = 1, handle = 1, ["out bytes"] = 1, list = 1,
  ["inout list"] = 1, callback = 1 }

local function number_arguments(f)
  local n = 0
  for _, p in ipairs(f.parameters) do
    if arguments[p.kind] then
      n = n + 1
      p.index = n
    end
  end
  return n
end

local function each(f, kinds)
  return coroutine.wrap(function()
    for _, p in ipairs(f.parameters) do if kinds[p.kind] then coroutine.yield(p) end end
  end)
end

local function fits(base, name) -- the integer i_NAME is in the range of the type
  return ("sizeof(%s) == sizeof(lua_Integer) || (lua_Integer)(%s)i_%s == i_%s"):format(base, base, name, name)
end

local function declare_number(p)
  if p.number == "integer" then
    line("  lua_Integer i_%s = luaL_checkinteger(L, %d);", p.name, p.index)
    line("  %s v_%s = (%s)in_range(L, %d, i_%s, %s);", p.base, p.name, p.base, p.index, p.name, fits(p.base, p.name))
  elseif p.number == "real" then line("  %s v_%s = (%s)luaL_checknumber(L, %d);", p.base, p.name, p.base, p.index)
  else line("  bool v_%s = boolean(L, %d);", p.name, p.index) end
end

local function declare_list(p)
  line("  %s v_%s[%s] = {0};", p.base, p.name, p.size)
  if not p.index then return end
  line("  for (size_t k = 0; k < %s; k++) {", p.size)
  if p.number == "boolean" then
    line("    luaL_checktype(L, %d, LUA_TTABLE);", p.index)
    line("    lua_rawgeti(L, %d, (lua_Integer)k + 1);", p.index)
    line("    v_%s[k] = lua_toboolean(L, -1);\n    lua_pop(L, 1);", p.name)
  else
    line("    lua_Integer i_%s = 0;", p.name)
    line("    lua_Number n_%s = element(L, %d, (lua_Integer)k + 1, %s, %d, &i_%s);", p.name, p.index, p.size,
      p.number == "integer" and 1 or 0, p.name)
    if p.number == "integer" then
      line("    v_%s[k] = (%s)in_range(L, %d, i_%s, %s);\n    (void)n_%s;", p.name, p.base, p.index, p.name,
        fits(p.base, p.name), p.name)
    else line("    v_%s[k] = (%s)n_%s;", p.name, p.base, p.name) end
  end
  line("  }")
end

local function declare_callback(f, p)
  line("  luaL_checktype(L, %d, LUA_TFUNCTION);", p.index)
  line("  Callback v_%s = {L, %d, push_handler(L), 0};", p.name, p.index)
end

local function declare_lengths(f)
  for p in each(f, { length = 1 }) do
    local of = p.of
    local source = "v_" .. of .. ".length"
    for _, q in ipairs(f.parameters) do
      if q.name == of and q.kind == "out bytes" then source = "n_" .. of
      elseif q.name == of and q.kind == "string" then source = "strlen(v_" .. of .. ")" end
    end
    line("  %s v_%s = (%s)%s;", p.base, p.name, p.base, source)
    line("  if ((lua_Integer)v_%s != (lua_Integer)%s) return luaL_error(L, \"%s: too long for its C type\");", p.name, source,
      f.lua_name)
  end
end

-- How an argument becomes a variable of the same name with v_ before it: first what allocates in Lua, so that no finalizer
-- runs when objects and buffers have been looked at; memory last, since nothing may raise before it is freed.
local function declare(module, f)
  local n, makes = number_arguments(f), f.returns == "handle" or each(f, { ["out handle"] = 1 })()
  makes = makes or each(f, { callback = 1 })()
  if makes then line("  lua_settop(L, %d);", n) end -- what is pushed now is no argument
  line("  luaL_checkstack(L, %d, NULL);", 2 * #f.parameters + 8)
  for p in each(f, { ["out handle"] = 1 }) do
    line("  %s *v_%s = NULL;", p.base, p.name)
    line("  Handle *h_%s = new_handle(L, \"%s\");", p.name, handle_name(module, p.base))
    line("  int s_%s = lua_gettop(L);", p.name)
  end
  if f.returns == "handle" then
    line("  Handle *h_result = new_handle(L, \"%s\");", handle_name(module, f.base))
    line("  int s_result = lua_gettop(L);")
  end
  for p in each(f, { string = 1 }) do line("  const char *v_%s = zero_ended(L, %d);", p.name, p.index) end
  for p in each(f, { ["in"] = 1, inout = 1 }) do declare_number(p) end
  for p in each(f, { out = 1 }) do line("  %s v_%s = 0;", p.base, p.name) end
  for p in each(f, { list = 1, ["inout list"] = 1, ["out list"] = 1, ["out text"] = 1, ["out block"] = 1 }) do declare_list(p) end
  for p in each(f, { callback = 1 }) do declare_callback(f, p) end
  for p in each(f, { ["out bytes"] = 1 }) do
    line("  lua_Integer n_%s = luaL_checkinteger(L, %d);", p.name, p.index)
    line("  luaL_argcheck(L, n_%s >= 0 && n_%s < PTRDIFF_MAX, %d, \"is no size\");", p.name, p.name, p.index)
  end
  for p in each(f, { handle = 1 }) do
    line("  Handle *v_%s = open_handle(L, %d, \"%s\");", p.name, p.index, handle_name(module, p.base))
  end
  for p in each(f, { bytes = 1 }) do line("  Bytes v_%s = bytes_of_string(L, %d);", p.name, p.index) end
  for p in each(f, { array = 1 }) do line("  Bytes v_%s = bytes_of_array(L, %d, \"%s\");", p.name, p.index, p.element) end
  declare_lengths(f)
  for p in each(f, { ["out bytes"] = 1 }) do
    local base = p.base == "void" and "char" or p.base
    line("  %s *v_%s = (%s *)malloc((size_t)n_%s + 1);", base, p.name, base, p.name)
    line("  if (v_%s == NULL) { %sreturn luaL_error(L, \"not enough memory\"); }", p.name, p.free_before or "")
  end
end

local function argument(f, p)
  if p.kind == "bytes" or p.kind == "array" then return "(" .. p.c_type .. ")v_" .. p.name .. ".data" end
  if p.kind == "handle" then return "(" .. p.base .. " *)v_" .. p.name .. "->object" end
  if p.kind == "null" then return "NULL" end
  if p.kind == "callback" then return ("call_%s_%s"):format(f.name, p.name) end
  if p.kind == "data" then return "&v_" .. p.of end
  if p.kind == "out" or p.kind == "inout" or p.kind == "out handle" then return "&v_" .. p.name end
  if p.kind == "length" and p.stars == 1 then return "&v_" .. p.name end
  return "v_" .. p.name
end

-- Pins and counts what the call uses, or undoes that.
local function hold(f, begin)
  for p in each(f, { bytes = 1, array = 1, handle = 1 }) do
    if p.kind == "handle" then line("  v_%s->users%s;", p.name, begin and "++" or "--")
    else line("  if (v_%s.pinned) gilua_buffer_%s(L, v_%s.pinned);", p.name, begin and "pin" or "unpin", p.name) end
  end
end

local function free_bytes(f, indent)
  for p in each(f, { ["out bytes"] = 1 }) do line("%sfree(v_%s);", indent, p.name) end
end

local function keep_handles(f) -- of a call that has failed: the collector closes them
  for p in each(f, { ["out handle"] = 1 }) do line("    h_%s->object = v_%s;", p.name, p.name) end
  if f.returns == "handle" then line("    h_result->object = result;") end
end

local function call(f)
  local list = {}
  for i, p in ipairs(f.parameters) do list[i] = argument(f, p) end
  local c_call = ("%s(%s);"):format(f.name, table.concat(list, ", "))
  if f.returns ~= "nothing" then
    line("  %s%s %sresult%s;", f.const and "const " or "", f.base, ("*"):rep(f.stars), f.stars > 0 and " = NULL" or " = 0")
    c_call = "result = " .. c_call
  end
  hold(f, true)
  line(f.keep and "  %s" or "  GILUA_BLOCKING(L) { %s }", c_call)
  hold(f, false)
  for p in each(f, { callback = 1 }) do
    line("  if (v_%s.failed) { /* the error is on top of the stack */", p.name)
    free_bytes(f, "    ")
    keep_handles(f)
    if f.free then line("    if (result != NULL) %s((void *)result);", f.free) end
    line("    return v_%s.failed == NO_ROOM ? luaL_error(L, \"stack overflow in a callback\") : raise_again(L);\n  }", p.name)
  end
end

local failed = { negative = "result < 0", nonzero = "result != 0", null = "result == NULL" }

-- What was made is released, and nil, message, code returned.
local function failure(f)
  if not f.error then return end
  line("  if (%s) {", failed[f.error])
  free_bytes(f, "    ")
  keep_handles(f)
  line("    luaL_pushfail(L);")
  if f.message then line("    lua_pushstring(L, %s);", f.message)
  else line("    lua_pushstring(L, \"%s failed\");", f.name) end
  line(f.error == "null" and "    lua_pushinteger(L, 0);" or "    lua_pushinteger(L, (lua_Integer)result);")
  line("    return 3;\n  }")
end

local push = { integer = "lua_pushinteger(L, (lua_Integer)%s);", real = "lua_pushnumber(L, (lua_Number)%s);",
  boolean = "lua_pushboolean(L, %s);" }

local function push_list(p)
  line("  lua_createtable(L, (int)(%s), 0);\n  for (size_t k = 0; k < %s; k++) {", p.size, p.size)
  line("    " .. push[p.number]:format("v_" .. p.name .. "[k]"))
  line("    lua_rawseti(L, -2, (lua_Integer)k + 1);\n  }")
end

local function push_parameter(p)
  if p.kind == "out" or p.kind == "inout" then line("  " .. push[p.number]:format("v_" .. p.name))
  elseif p.kind == "out list" or p.kind == "inout list" then push_list(p)
  elseif p.kind == "out text" then 
    line("  lua_pushlstring(L, v_%s, memchr(v_%s, 0, %s) != NULL ? strlen(v_%s) : %s);", p.name, p.name, p.size, p.name, p.size)
  elseif p.kind == "out block" then line("  lua_pushlstring(L, (const char *)v_%s, sizeof v_%s);", p.name, p.name)
  elseif p.kind == "out handle" then
    line("  h_%s->object = v_%s;", p.name, p.name)
    line("  if (v_%s == NULL) lua_pushnil(L);\n  else lua_pushvalue(L, s_%s);", p.name, p.name)
  elseif p.kind == "out bytes" then
    line("  push_bytes(L, v_%s, (size_t)v_%s, (size_t)n_%s);", p.name, p.length.name, p.name)
  else return 0 end
  return 1
end

local function results(f)
  local n = 0
  if push[f.returns] and f.error ~= "nonzero" then
    line("  " .. push[f.returns]:format "result")
    n = 1
  elseif f.returns == "string" then
    line("  push_text(L, result, %s);", f.free and "(void (*)(void *))" .. f.free or "NULL")
    n = 1
  elseif f.returns == "handle" then
    line("  h_result->object = result;")
    line("  if (result == NULL) lua_pushnil(L);\n  else lua_pushvalue(L, s_result);")
    n = 1
  end
  for _, p in ipairs(f.parameters) do n = n + push_parameter(p) end
  if n == 0 and f.error then
    line("  lua_pushboolean(L, 1);")
    n = 1
  end
  line("  return %d;", n)
end

-- What C calls: the Lua function with C's arguments, protected; the first error ends the calls, and is raised behind them.
local function write_callback(f, p)
  local name, ret = f.name .. "_" .. p.name, p.number and p.base or "void"
  local list, copies = {}, {}
  line("\ntypedef struct Args_%s {", name)
  if p.number then line("  %s result;", p.base) end
  for i, q in ipairs(p.parameters) do
    local type = q.kind == "string" and "const char *" or q.kind == "data" and "void *" or q.base .. " "
    if q.kind == "data" and q.const then type = "const void *" end
    list[i], copies[i] = type .. "p" .. i, ("args.p%d = p%d;"):format(i, i)
    line("  %sp%d;", type, i)
  end
  line("} Args_%s;\n\nstatic int run_%s(lua_State *L) {", name, name)
  line("  Args_%s *args = (Args_%s *)lua_touserdata(L, 2);\n  lua_pushvalue(L, 1);", name, name)
  local n, data = 0, nil
  for i, q in ipairs(p.parameters) do
    if q.kind == "data" then data = i
    elseif q.kind == "string" then line("  lua_pushstring(L, args->p%d);", i)
    else line("  " .. push[q.kind]:format("args->p" .. i)) end
    if q.kind ~= "data" then n = n + 1 end
  end
  line("  (void)args;\n  lua_call(L, %d, %d);", n, p.number and 1 or 0)
  if p.number == "boolean" then line("  args->result = lua_toboolean(L, -1);")
  elseif p.number then
    line("  int ok;\n  lua_%s i_result = lua_to%sx(L, -1, &ok);", p.number == "integer" and "Integer" or "Number",
      p.number == "integer" and "integer" or "number")
    if p.number == "integer" then line("  ok = ok && (%s);", fits(p.base, "result")) end
    line("  if (!ok) return luaL_error(L, \"%s: a callback must return %s, got %%s\", luaL_tolstring(L, -1, NULL));", f.lua_name,
      p.number == "integer" and "an integer in the range of its C type" or "a number")
    line("  args->result = (%s)i_result;", p.base)
  end
  line("  return 0;\n}\n\nstatic %s call_%s(%s) {", ret, name, table.concat(list, ", "))
  line("  Callback *callback = (Callback *)p%d;\n  Args_%s args;\n  memset(&args, 0, sizeof args);", data, name)
  for _, copy in ipairs(copies) do line("  " .. copy) end
  line("  call_lua(callback, run_%s, &args);", name)
  if p.number then line("  return args.result;") end
  line("}")
end

local function write_function(module, f)
  local names, seen_bytes = {}, {}
  for p in each(f, { callback = 1 }) do write_callback(f, p) end
  for _, p in ipairs(f.parameters) do
    if p.kind == "out bytes" then
      p.free_before = table.concat(seen_bytes)
      seen_bytes[#seen_bytes + 1] = "free(v_" .. p.name .. "); "
    end
    if arguments[p.kind] then names[#names + 1] = p.kind == "out bytes" and "size of " .. p.name or p.name end
  end
  line("\n/* %s(%s) */", f.lua_name, table.concat(names, ", "))
  line("static int bind_%s(lua_State *L) {", f.name)
  declare(module, f)
  call(f)
  failure(f)
  results(f)
  line("}")
end

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

local function returns(module, kind)
  for _, f in ipairs(module.functions) do if f.returns == kind then return true end end
end

local function uses(module, kind)
  for _, f in ipairs(module.functions) do
    for _, p in ipairs(f.parameters) do if p.kind == kind then return true end end
  end
end

return function(module)
  out = { ("/* Made from %s by gilua bind; do not edit. */"):format(module.file) }
  for _, include in ipairs(module.includes) do line("%s", include) end
  out[#out + 1] = text.prelude
  if uses(module, "out bytes") or returns(module, "string") then out[#out + 1] = text.push_piece end
  if uses(module, "out bytes") then out[#out + 1] = text.push_bytes end
  if returns(module, "string") then out[#out + 1] = text.push_text end
  if uses(module, "callback") then out[#out + 1] = text.call_lua end
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
  line("  luaL_newlib(L, functions);")
  for _, name in ipairs(module.constants) do
    line("  lua_pushinteger(L, (lua_Integer)%s);\n  lua_setfield(L, -2, \"%s\");", name, name)
  end
  line("  return 1;\n}")
  return table.concat(out, "\n") .. "\n"
end
