/* What the tests of gilua.h share. */
#ifndef GILUA_TESTS_API_HOST_H
#define GILUA_TESTS_API_HOST_H

#include <gilua.h>
#include <lauxlib.h>
#include <lualib.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "check.h"

#define UNUSED __attribute__((unused))

UNUSED static gilua_Runtime *opened(const gilua_Config *config) {
  gilua_Runtime *rt = NULL;
  int err = gilua_open(&rt, config);
  if (err != 0) printf("# gilua_open: %s\n", gilua_strerror(err));
  return rt;
}

UNUSED static bool runs(gilua_Runtime *rt, const char *code) {
  int err = gilua_run_string(rt, code, "=test");
  if (err != 0) printf("# %s: %s\n", gilua_strerror(err), gilua_error(rt));
  return err == 0;
}

UNUSED static bool fails(gilua_Runtime *rt, const char *code, const char *message) {
  if (gilua_run_string(rt, code, "=test") != GILUA_ELUA) return false;
  if (strstr(gilua_error(rt), message) != NULL) return true;
  printf("# got %s\n", gilua_error(rt));
  return false;
}

UNUSED static const char two_spinners[] =
    "local th, time = require 'gilua.threading', require 'gilua.time'\n"
    "local stop, n = false, {0, 0}\n"
    "local function spin(i) while not stop do n[i] = n[i] + 1 end end\n"
    "local a, b = th.start(spin, 1), th.start(spin, 2)\n"
    "while n[1] == 0 or n[2] == 0 do time.sleep(0.001) end\n"
    "stop = true a:join() b:join()";

typedef struct Gate {
  gilua_Runtime *rt;
  _Atomic int inside, go, result;
} Gate;

UNUSED static int l_go(lua_State *L) {
  Gate *g = lua_touserdata(L, lua_upvalueindex(1));
  g->go = 1;
  return 0;
}

UNUSED static void check_lua(lua_State *L, int status) {
  if (status == LUA_OK) return;
  printf("# %s\n", lua_tostring(L, -1));
  CHECK(status == LUA_OK);
}

#endif
