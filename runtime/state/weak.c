/* See weak.h. */
#include "runtime/state/weak.h"

#include <lauxlib.h>

void weak_new(lua_State *L, const char *mode) {
  luaL_checkstack(L, 3, NULL);
  lua_newtable(L);
  lua_createtable(L, 0, 1);
  lua_pushstring(L, mode);
  lua_setfield(L, -2, "__mode");
  lua_setmetatable(L, -2);
}

bool weak_push(lua_State *L, const void *key, const char *mode) {
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, key) == LUA_TTABLE) return false;
  weak_new(L, mode);
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, key) != LUA_TTABLE) { /* nor did a finalizer make it meanwhile */
    lua_pop(L, 1);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, key);
    lua_remove(L, -2);
    return true;
  }
  lua_replace(L, -3);
  lua_pop(L, 1);
  return false;
}
