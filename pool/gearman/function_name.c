/* Looking for a function in the modules that are loaded. What was found is kept, weakly, and checked before it is
 * used again. */
#include "pool/gearman/function_name.h"

#include <lauxlib.h>
#include <string.h>

#include "pool/gearman/envelope.h"
#include "pool/pickle/pickle.h"
#include "runtime/state/error.h"
#include "runtime/state/weak.h"

static const char found_key = 0; /* registry: weak table function -> name */

void function_name_check(lua_State *L, int i) {
  size_t size;
  const char *name = lua_tolstring(L, i, &size), *colon = memchr(name, ':', size);
  if (colon != NULL && colon != name && colon[1] != '\0' && size <= ENVELOPE_MOST_NAME && strlen(name) == size &&
      strchr(colon + 1, ':') == NULL)
    return;
  error_push(L, ERROR_PICKLE, "'%s' is no name of a function (\"module:function\" expected, of at most %d bytes)", name,
             ENVELOPE_MOST_NAME);
  lua_pushliteral(L, "function");
  lua_setfield(L, -2, "path");
  lua_error(L);
}

/* Whether the name on top still leads to the function at i. loaded: index of package.loaded. */
static bool leads(lua_State *L, int i, int loaded) {
  int top = lua_gettop(L);
  const char *name = lua_tostring(L, top), *colon = strchr(name, ':');
  bool is = false;
  lua_pushlstring(L, name, (size_t)(colon - name));
  if (lua_rawget(L, loaded) == LUA_TTABLE) {
    lua_pushstring(L, colon + 1);
    lua_rawget(L, -2);
    is = lua_rawequal(L, -1, i);
  }
  lua_settop(L, top);
  return is;
}

/* Whether the key on top, whose value is above it, can stand in a name. */
static bool is_word(lua_State *L) {
  size_t size;
  if (lua_type(L, -2) != LUA_TSTRING) return false;
  const char *key = lua_tolstring(L, -2, &size);
  return size > 0 && size < ENVELOPE_MOST_NAME / 2 && strlen(key) == size && strchr(key, ':') == NULL;
}

/* The name of the function at i in the module on top, whose name is below it, if that is before the best one at index
 * `best`. */
static void look_into(lua_State *L, int i, int best) {
  int module = lua_gettop(L);
  for (lua_pushnil(L); lua_next(L, module) != 0; lua_pop(L, 1)) {
    if (!lua_rawequal(L, -1, i) || !is_word(L)) continue;
    lua_pushfstring(L, "%s:%s", lua_tostring(L, module - 1), lua_tostring(L, -2));
    if (lua_isnil(L, best) || strcmp(lua_tostring(L, -1), lua_tostring(L, best)) < 0) lua_copy(L, -1, best);
    lua_pop(L, 1);
  }
}

bool function_name_push(lua_State *L, int i) {
  luaL_checkstack(L, 12, NULL);
  i = lua_absindex(L, i);
  int best = lua_gettop(L) + 1, found = best + 1, loaded = best + 2;
  lua_pushnil(L);
  weak_push(L, &found_key, "k");
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  lua_pushvalue(L, i);
  if (lua_rawget(L, found) == LUA_TSTRING && leads(L, i, loaded)) {
    lua_replace(L, best);
    lua_settop(L, best);
    return true;
  }
  lua_settop(L, loaded);
  for (lua_pushnil(L); lua_next(L, loaded) != 0; lua_pop(L, 1))
    if (lua_istable(L, -1) && is_word(L) && strcmp(lua_tostring(L, -2), LUA_GNAME) != 0) look_into(L, i, best);
  bool any = !lua_isnil(L, best);
  if (any) {
    lua_pushvalue(L, i);
    lua_pushvalue(L, best);
    lua_rawset(L, found);
  }
  lua_settop(L, any ? best : best - 1);
  return any;
}
