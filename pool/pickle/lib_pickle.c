/* gilua.pickle: values as strings.
 *
 *   dumps(value) -> string
 *   loads(string [, {functions = false, names = true}]) -> value
 */
#include <lauxlib.h>

#include "pool/pickle/write.h"
#include "runtime/state/options.h"

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

static int pickle_loads(lua_State *L) {
  size_t size;
  const char *bytes = luaL_checklstring(L, 1, &size);
  static const Option known[] = {
      {"functions", OPTION_FLAG, 0, 0, NULL}, {"names", OPTION_FLAG, 0, 0, NULL}, {NULL, OPTION_FLAG, 0, 0, NULL}};
  options_take(L, 2, "loads", known, NULL);
  unsigned flags = options_flag(L, 2, "functions", false) ? PICKLE_TRUSTED : PICKLE_CLASSES;
  if (!options_flag(L, 2, "names", true)) flags &= PICKLE_FUNCTIONS;
  return pickle_load(L, bytes, size, NULL, flags, LUA_NOREF);
}

int lib_pickle_open(lua_State *L) {
  static const luaL_Reg funcs[] = {{"dumps", pickle_dumps}, {"loads", pickle_loads}, {NULL, NULL}};
  names_push_types(L);
  luaL_newlib(L, funcs);
  return 1;
}
