/* The module "gilua": the others as fields, loaded when they are first used, and what is of all of them.
 *
 *   gilua.threading  gilua.futures  …                require "gilua.threading", …
 *   gilua.is_error(e [, kind]) -> boolean            is e an error object, of that kind?
 *   gilua.traceback_of(e) -> string or nil           of an error that another thread or process has passed on
 *   gilua.Error                                      the metatable of error objects: {kind, message, traceback, cause, …}
 *   gilua._VERSION                                   "gilua 0.1"
 */
#include <lauxlib.h>
#include <string.h>

#include "interp/gilua.h"
#include "interp/state.h"
#include "runtime/state/error.h"
#include "runtime/state/require.h"
#include "runtime/state/text.h"

/* gilua.threading and so on are required when their field is first read. */
static int load_field(lua_State *L) {
  const char *name = text_whole(L, 2);
  luaL_checktype(L, 1, LUA_TTABLE); /* scripts may call it themselves */
  lua_getfield(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  lua_pushfstring(L, "gilua.%s", name != NULL ? name : "");
  lua_pushvalue(L, -1);
  if (lua_rawget(L, -3) == LUA_TNIL) return 0;
  require_push(L);
  lua_pushvalue(L, -3);
  lua_call(L, 1, 1);
  lua_pushvalue(L, 2);
  lua_pushvalue(L, -2);
  lua_rawset(L, 1);
  return 1;
}

/* gilua.is_error(e [, kind]) */
static int gilua_is_error(lua_State *L) {
  luaL_checkany(L, 1);
  lua_pushboolean(L, error_is(L, 1, text_opt(L, 2)));
  return 1;
}

/* gilua.traceback_of(e) -> string or nil */
static int gilua_traceback_of(lua_State *L) {
  luaL_checkany(L, 1);
  error_push_traceback(L, 1);
  return 1;
}

/* {threading = true, …} of the modules that are to be had. */
static void push_field_names(lua_State *L) {
  static const char prefix[] = "gilua.";
  luaL_checkstack(L, 6, NULL);
  lua_newtable(L);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  for (lua_pushnil(L); lua_next(L, -2) != 0; lua_pop(L, 1)) {
    const char *name = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "";
    if (strncmp(name, prefix, sizeof prefix - 1) != 0) continue;
    lua_pushboolean(L, 1);
    lua_setfield(L, -5, name + sizeof prefix - 1);
  }
  lua_pop(L, 1);
}

int state_open_root(lua_State *L) {
  static const luaL_Reg funcs[] = {{"is_error", gilua_is_error}, {"traceback_of", gilua_traceback_of}, {NULL, NULL}};
  luaL_newlib(L, funcs);
  lua_pushliteral(L, "gilua " GILUA_VERSION);
  lua_setfield(L, -2, "_VERSION");
  error_push_metatable(L);
  lua_setfield(L, -2, "Error");
  lua_createtable(L, 0, 1);
  push_field_names(L); /* for who lists them, as the prompt does */
  lua_pushcclosure(L, load_field, 1);
  lua_setfield(L, -2, "__index");
  lua_setmetatable(L, -2);
  return 1;
}
