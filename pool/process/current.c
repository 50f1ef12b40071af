/* See current.h. */
#include "pool/process/current.h"

#include "runtime/shared/self.h"

static const char current_key = 0; /* registry: the description of this process; or nil */

void current_push(lua_State *L) { lua_rawgetp(L, LUA_REGISTRYINDEX, &current_key); }

void current_push_description(lua_State *L, const char *name, bool daemon) {
  lua_createtable(L, CURRENT_PARENT, 0);
  lua_pushstring(L, name);
  lua_rawseti(L, -2, CURRENT_NAME);
  lua_pushboolean(L, daemon);
  lua_rawseti(L, -2, CURRENT_DAEMON);
  current_push(L);
  if (lua_istable(L, -1)) lua_rawgeti(L, -1, CURRENT_NAME);
  else lua_pushliteral(L, "MainProcess");
  lua_rawseti(L, -3, CURRENT_PARENT_NAME);
  lua_pop(L, 1);
  lua_pushinteger(L, (lua_Integer)shared_self());
  lua_rawseti(L, -2, CURRENT_PARENT);
}

void current_take(lua_State *L) { lua_rawsetp(L, LUA_REGISTRYINDEX, &current_key); }
