/* The worker is the Lua program of pool/gearman, compiled in. It is a module, too: the processes of its pool find it
 * by name. */
#include "interp/worker.h"

#include <lauxlib.h>
#include <string.h>

#include "interp/run.h"
#include "pool/gearman/lib_worker.h"

static const char text[] =
#include "pool/gearman/worker.inc"
    ;

/* (module): becomes package.loaded["gilua.worker"] */
static int load_module(lua_State *L) {
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  lua_insert(L, 1);
  lua_setfield(L, 1, "gilua.worker");
  return 0;
}

bool worker_program(lua_State *L, char **argv) {
  int n = 0, status = luaL_loadbufferx(L, text, strlen(text), "=worker.lua", "t");
  if (status != LUA_OK) return run_report(L, status);
  while (argv[n] != NULL) n++;
  luaL_checkstack(L, n + 4, "too many arguments");
  lib_worker_open(L);
  for (int i = 0; i < n; i++) lua_pushstring(L, argv[i]);
  status = run_call(L, n + 1, 2);
  if (status != LUA_OK) return run_report(L, status);
  lua_insert(L, -2);
  lua_pushcfunction(L, load_module);
  lua_insert(L, -2);
  status = run_call(L, 1, 0);
  if (status == LUA_OK) status = run_call(L, 0, 0);
  return run_report(L, status);
}
