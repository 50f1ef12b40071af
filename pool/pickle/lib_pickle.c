/* gilua.pickle: values as strings.
 *
 *   dumps(value) -> string
 *   loads(string [, {functions = false, names = true}]) -> value
 */
#include <lauxlib.h>

#include "pool/pickle/write.h"
#include "runtime/thread/object.h"

static int pickle_dumps(lua_State *L) {
  luaL_checkany(L, 1);
  lua_settop(L, 1);
  Writer *w = writer_begin(L, NULL);
  writer_run(w, 1, 1, PICKLE_VALUE);
  writer_renew(w);
  lua_pushlstring(L, (const char *)w->out.bytes, w->out.size);
  writer_release(w);
  return 1;
}

/* Whether an option is on; `otherwise` if it is not given. */
static bool option(lua_State *L, const char *name, bool otherwise) {
  if (lua_isnoneornil(L, 2)) return otherwise;
  bool on = lua_getfield(L, 2, name) == LUA_TNIL ? otherwise : lua_toboolean(L, -1);
  lua_pop(L, 1);
  return on;
}

static int pickle_loads(lua_State *L) {
  static const char *const fields[] = {"functions", "names", NULL};
  size_t size;
  const char *bytes = luaL_checklstring(L, 1, &size);
  if (!lua_isnoneornil(L, 2)) luaL_checktype(L, 2, LUA_TTABLE);
  lua_settop(L, 2);
  object_check_fields(L, 2, "loads", fields);
  unsigned flags = option(L, "functions", false) ? PICKLE_TRUSTED : PICKLE_CLASSES;
  if (!option(L, "names", true)) flags &= PICKLE_FUNCTIONS;
  return pickle_load(L, bytes, size, NULL, flags, LUA_NOREF);
}

int lib_pickle_open(lua_State *L) {
  static const luaL_Reg funcs[] = {{"dumps", pickle_dumps}, {"loads", pickle_loads}, {NULL, NULL}};
  names_push_types(L);
  luaL_newlib(L, funcs);
  return 1;
}
