/* Laying out gil.stats(). */
#include "interp/stats.h"

#include <lauxlib.h>

#include "runtime/sync/lib_sync.h"

static lua_Integer field(lua_State *L, const char *name) {
  lua_getfield(L, -1, name);
  lua_Integer value = lua_tointeger(L, -1);
  lua_pop(L, 1);
  return value;
}

static double field_ms(lua_State *L, const char *name) { return (double)field(L, name) / 1e6; }

static void print_thread(lua_State *L, FILE *out) {
  lua_getfield(L, -1, "name");
  lua_getfield(L, -2, "longest_hold_at");
  const char *name = lua_tostring(L, -2), *at = lua_tostring(L, -1);
  lua_pop(L, 2);
  fprintf(out, "%-28.28s %12lld %11.2f %11.2f %8lld %11.3f %s\n", name, (long long)field(L, "acquisitions"),
          field_ms(L, "held_ns"), field_ms(L, "waited_ns"), (long long)field(L, "forced_switches"),
          field_ms(L, "longest_hold_ns"), at != NULL ? at : "");
}

void stats_print(lua_State *L, FILE *out) {
  luaL_requiref(L, "gilua.gil", luaopen_gilua_gil, 0);
  lua_getfield(L, -1, "stats");
  lua_call(L, 0, 1);
  fprintf(out, "\nlock: %lld switches, %lld of them forced, %lld signals\n", (long long)field(L, "switches"),
          (long long)field(L, "forced_switches"), (long long)field(L, "signals"));
  fprintf(out, "%-28s %12s %11s %11s %8s %11s %s\n", "thread", "acquisitions", "held ms", "waited ms", "forced",
          "longest ms", "longest at");
  lua_getfield(L, -1, "threads");
  lua_Integer n = luaL_len(L, -1);
  for (lua_Integer i = n; i >= 1; i--) {
    lua_rawgeti(L, -1, i);
    print_thread(L, out);
    lua_pop(L, 1);
  }
  lua_pop(L, 3);
}
