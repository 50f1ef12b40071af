/* Telling what a source is. */
#include "pool/futures/source.h"

#include <lauxlib.h>
#include <string.h>

#include "runtime/state/options.h"

static bool is_next(lua_State *L, int i) {
  if (!lua_iscfunction(L, i)) return false;
  lua_getglobal(L, "next");
  bool is = lua_rawequal(L, i, -1);
  lua_pop(L, 1);
  return is;
}

void source_refuse_pairs(lua_State *L, int i) {
  luaL_argcheck(L, !is_next(L, i), i,
                "pairs(t) needs a state: make a list of what is to be mapped, or write a function that returns the next value");
}

/* () -> the next value; upvalue: a table that can be called */
static int call_table(lua_State *L) {
  lua_settop(L, 0);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_call(L, 0, 1);
  return 1;
}

/* An iterator may be an object: a table with __call, and without a first element. */
static void take_object(lua_State *L, int i) {
  if (luaL_getmetafield(L, i, "__call") == LUA_TNIL) return;
  bool is_list = lua_geti(L, i, 1) != LUA_TNIL;
  lua_pop(L, 2);
  if (is_list) return;
  lua_pushvalue(L, i);
  lua_pushcclosure(L, call_table, 1);
  lua_replace(L, i);
}

/* Options among the elements would not be seen. */
static void refuse_options(lua_State *L, int i) {
  static const char *const names[] = {"chunksize", "timeout", "buffersize"};
  for (size_t k = 0; k < sizeof names / sizeof names[0]; k++, lua_pop(L, 1)) {
    lua_pushstring(L, names[k]);
    if (lua_rawget(L, i) != LUA_TNIL)
      luaL_argerror(L, i, lua_pushfstring(L, "list expected, got one with a field '%s': options stand behind the lists", names[k]));
  }
}

void source_check(lua_State *L, int i, int may) {
  luaL_checkany(L, i);
  if (lua_type(L, i) == LUA_TTABLE) {
    take_object(L, i);
    if (!lua_istable(L, i)) return;
    options_check_list(L, i, may, ": options stand behind the lists, and elements need numbers from 1 on");
    refuse_options(L, i);
    return;
  }
  source_refuse_pairs(L, i);
  if (lua_isfunction(L, i)) return;
  if (luaL_getmetafield(L, i, "__call") != LUA_TNIL) {
    lua_pop(L, 1);
    return;
  }
  if (lua_type(L, i) == LUA_TSTRING)
    luaL_argerror(L, i, "list or iterator expected, got string: for its characters write s:gmatch(\".\")");
  if (luaL_getmetafield(L, i, "__name") == LUA_TSTRING) {
    const char *name = lua_tostring(L, -1);
    if (strstr(name, "Queue") != NULL) luaL_argerror(L, i, "list or iterator expected, got a queue: for its items write q:items()");
    if (strcmp(name, "gilua.buffer") == 0)
      luaL_argerror(L, i, "list or iterator expected, got a buffer: for its elements write b:totable()");
    lua_pop(L, 1);
  }
  if (lua_isnumber(L, i) && i > 3 && lua_isfunction(L, i - 2))
    luaL_argerror(L, i, "list or iterator expected, got number: in the place of ipairs(t) write t");
  luaL_typeerror(L, i, "list or iterator");
}

bool source_take_for(lua_State *L, int i) {
  int n = lua_gettop(L) - i + 1;
  if (n == 4 && lua_isfunction(L, i) && lua_isnil(L, i + 1) && lua_isnil(L, i + 2)) {
    lua_replace(L, i + 1);
    lua_settop(L, i + 1);
    return true;
  }
  while (lua_gettop(L) > i && lua_isnil(L, -1)) lua_pop(L, 1);
  return false;
}
