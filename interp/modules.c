/* luaopen_gilua and its modules, for `require` in a state that may have no runtime yet: a stock interpreter finds them
 * in gilua.so, "gilua.threading" too, whichever is asked for first. */
#include <lauxlib.h>

#include "interp/gilua.h"
#include "interp/state.h"
#include "runtime/thread/excepthook.h"

static void attach(lua_State *L) {
  gilua_Config config = {.handle_signals = 1, .on_error = excepthook_to_stderr};
  gilua_Runtime *rt;
  int err = gilua_attach(L, &config, &rt);
  if (err == GILUA_ELUA) { /* it says itself what it is */
    lua_pushstring(L, gilua_error(rt));
    lua_error(L);
  }
  if (err != GILUA_OK && err != GILUA_EEXISTS) luaL_error(L, "cannot start gilua: %s", gilua_strerror(err));
}

int luaopen_gilua(lua_State *L) {
  attach(L);
  return state_open_root(L);
}

/* As `require` calls openers: with the name, and what else it has to say. */
static int open_module(lua_State *L, const char *name) {
  attach(L);
  luaL_checkstack(L, 4, NULL);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  if (lua_getfield(L, -1, name) != LUA_TFUNCTION) return luaL_error(L, "module '%s' is not preloaded", name);
  lua_pushstring(L, name);
  lua_pushliteral(L, ":preload:");
  lua_call(L, 2, 1);
  return 1;
}

#define OPENER(name)                           \
  int luaopen_gilua_##name(lua_State *L);      \
  int luaopen_gilua_##name(lua_State *L) {     \
    return open_module(L, "gilua." #name);     \
  }

OPENER(ctypes)
OPENER(futures)
OPENER(gil)
OPENER(multiprocessing)
OPENER(native)
OPENER(pickle)
OPENER(queue)
OPENER(schedule)
OPENER(signal)
OPENER(socket)
OPENER(threading)
OPENER(time)
