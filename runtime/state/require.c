/* The function is kept in the registry, under the address of a key. */
#include "runtime/state/require.h"

#include <stdbool.h>

static const char require_key = 0;

void require_keep(lua_State *L) {
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &require_key);
}

void require_push(lua_State *L) {
  lua_pushglobaltable(L);
  lua_pushliteral(L, "require");
  bool callable = lua_rawget(L, -2) == LUA_TFUNCTION;
  if (!callable) {
    lua_pop(L, 1);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &require_key);
  }
  lua_remove(L, -2);
}
