/* gilua.h: threads of the host inside one runtime and several. */
#include <gilua_native.h>

#include "host.h"

static int nested_rts(lua_State *L) {
  gilua_Runtime *other = lua_touserdata(L, lua_upvalueindex(1)), *mine = lua_touserdata(L, lua_upvalueindex(2));
  lua_State *M, *again;
  if (gilua_enter(other, &M) != 0) return 0;
  if (luaL_dostring(M, "n = (n or 0) + 1 for i = 1, 1000 do end") != 0) return 0;
  int err = gilua_enter(mine, &again); /* Lua of one runtime calls C that is in another and comes back */
  if (err != 0 || luaL_dostring(again, "back = (back or 0) + 1 for i = 1, 1000 do end") != 0) return 0;
  if (err == 0) gilua_leave(mine, again);
  gilua_leave(other, M);
  lua_pushboolean(L, again == L);
  return 1;
}

static void test_runtimes_nest(void) {
  gilua_Runtime *a = opened(NULL), *b = opened(NULL);
  lua_State *L;
  CHECK(gilua_enter(a, &L) == 0);
  lua_pushlightuserdata(L, b);
  lua_pushlightuserdata(L, a);
  lua_pushcclosure(L, nested_rts, 2);
  lua_setglobal(L, "visit");
  gilua_leave(a, L);
  CHECK(runs(a, "local th = require'gilua.threading' local ts = {} require'gilua.gil'.switch_interval(1e-5)"
                "for i = 1, 4 do ts[i] = th.start(function() for i = 1, 200 do assert(visit()) end end) end "
                "for _, t in ipairs(ts) do t:result() end assert(back > 0)"));
  CHECK(runs(b, "assert(n > 0)"));
  CHECK(gilua_close(b) == 0 && gilua_close(a) == 0);
}

static void *offloads(void *arg) {
  Gate *g = arg;
  lua_State *L;
  if (gilua_enter(g->rt, &L) != 0) return NULL;
  luaL_loadstring(L, "local a, b = ... return a * b");
  lua_pushinteger(L, 6);
  lua_pushinteger(L, 7);
  if (gilua_offload(L, 2, 1) == 0) g->result = (int)lua_tointeger(L, -1);
  gilua_leave(g->rt, L);
  return NULL;
}

/* No process is left to scripts, but the host may use some. */
static void test_offload(void) {
  gilua_Config config = {.libraries = GILUA_LIB_SAFE};
  Gate g = {.rt = opened(&config)};
  pthread_t t;
  pthread_create(&t, NULL, offloads, &g);
  pthread_join(t, NULL);
  CHECK(g.result == 42);
  CHECK(runs(g.rt, "assert(not package.loaded['gilua.futures'] and not pcall(require, 'gilua.futures'))"));
  CHECK(gilua_close(g.rt) == 0);
}

int main(void) {
  TEST("runtimes nest on one thread", test_runtimes_nest(););
  TEST("a host's thread has a function called in the pool of a restricted runtime", test_offload(););
  return check_failures != 0;
}
