/* gilua.pickle: values as strings.
 *
 *   dumps(value) -> string
 *   loads(string [, {functions = false, names = true}]) -> value
 */
#include <lauxlib.h>

#include "pool/pickle/write.h"
#include "runtime/state/object.h"
#include "runtime/state/options.h"

static int pickle_dumps(lua_State *L) {
  luaL_checkany(L, 1);
  object_check_last(L, 1);
  lua_settop(L, 1);
  Writer *w = writer_begin(L, NULL, NAMES_ALL);
  writer_run(w, 1, 1, PICKLE_VALUE);
  writer_renew(w);
  if (w->pins) { /* a string may be loaded at any time, by anybody */
    lua_pushvalue(L, w->base + SLOT_PINS);
    luaL_ref(L, LUA_REGISTRYINDEX);
  }
  lua_pushlstring(L, (const char *)w->out.bytes, w->out.size);
  writer_release(w);
  return 1;
}

static int loads(lua_State *L, bool confined) {
  size_t size;
  const char *bytes = luaL_checklstring(L, 1, &size);
  static const Option known[] = {
      {"functions", OPTION_FLAG, 0, 0, NULL}, {"names", OPTION_FLAG, 0, 0, NULL}, {NULL, OPTION_FLAG, 0, 0, NULL}};
  options_take(L, 2, "loads", known, NULL);
  bool functions = options_flag(L, 2, "functions", false);
  if (functions && confined)
    return luaL_error(L, "loads: functions are bytecode, which this runtime does not load (GILUA_LIB_BYTECODE)");
  unsigned flags = functions ? PICKLE_TRUSTED : PICKLE_CLASSES;
  if (!options_flag(L, 2, "names", true)) flags &= PICKLE_FUNCTIONS;
  return pickle_load(L, bytes, size, NULL, flags, LUA_NOREF);
}

static int pickle_loads(lua_State *L) { return loads(L, false); }
static int confined_loads(lua_State *L) { return loads(L, true); }

static int open_with(lua_State *L, lua_CFunction f) {
  names_push_types(L);
  lua_createtable(L, 0, 2);
  lua_pushcfunction(L, pickle_dumps);
  lua_setfield(L, -2, "dumps");
  lua_pushcfunction(L, f);
  lua_setfield(L, -2, "loads");
  return 1;
}

int lib_pickle_open(lua_State *L) { return open_with(L, pickle_loads); }

int lib_pickle_open_confined(lua_State *L) { return open_with(L, confined_loads); }
