/* Running a chunk, in a worker of any kind. */
#include "pool/futures/chunk.h"

#include <lauxlib.h>
#include <stdbool.h>

#include "runtime/os/clock.h"
#include "runtime/thread/error.h"

enum { F = 1, BATCH, COUNT, ARITY, SPREAD, RESULTS, HANDLER };

/* Pushes the arguments of call k (from 0); returns how many. */
static int push_arguments(lua_State *L, lua_Integer k, int arity, bool spread) {
  if (!spread) {
    luaL_checkstack(L, arity + 4, "too many arguments");
    for (int a = 1; a <= arity; a++) lua_rawgeti(L, BATCH, k * arity + a);
    return arity;
  }
  lua_rawgeti(L, BATCH, k + 1);
  int list = lua_gettop(L);
  lua_getfield(L, list, "n");
  lua_Integer n = lua_isinteger(L, -1) ? lua_tointeger(L, -1) : luaL_len(L, list);
  lua_pop(L, 1);
  if (n < 0 || n > 50000) luaL_error(L, "too many arguments");
  luaL_checkstack(L, (int)n + 4, "too many arguments");
  for (lua_Integer a = 1; a <= n; a++) lua_geti(L, list, a);
  lua_remove(L, list);
  return (int)n;
}

int chunk_run(lua_State *L) {
  lua_settop(L, SPREAD);
  lua_Integer count = luaL_checkinteger(L, COUNT);
  int arity = (int)luaL_checkinteger(L, ARITY);
  bool spread = lua_toboolean(L, SPREAD);
  int64_t start = clock_ns();
  lua_createtable(L, (int)count, 0);
  lua_pushcfunction(L, error_traceback_handler);
  lua_Integer n = 0;
  int status = LUA_OK;
  while (n < count && status == LUA_OK) {
    lua_pushvalue(L, F);
    status = lua_pcall(L, push_arguments(L, n, arity, spread), 1, HANDLER);
    if (status != LUA_OK) break;
    if (lua_isnil(L, -1)) {
      lua_pop(L, 1);
      lua_pushboolean(L, false);
    }
    lua_rawseti(L, RESULTS, ++n);
  }
  int error = lua_gettop(L);
  lua_pushvalue(L, RESULTS);
  lua_pushinteger(L, n);
  lua_pushinteger(L, clock_ns() - start);
  lua_pushboolean(L, status != LUA_OK);
  if (status == LUA_OK) return 4;
  lua_pushvalue(L, error);
  error_push_traceback(L, error);
  return 6;
}
