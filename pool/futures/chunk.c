/* Running a chunk, in a worker of any kind. */
#include "pool/futures/chunk.h"

#include <lauxlib.h>
#include <limits.h>
#include <stdbool.h>

#include "runtime/os/clock.h"
#include "runtime/state/call.h"
#include "runtime/state/error.h"
#include "runtime/state/options.h"

enum { F = 1, BATCH, COUNT, ARITY, SPREAD, GOES_ON, RESULTS, ERRORS };

enum { MOST_ARGS = 50000, ROOM = 4096 };

/* (f, list): calls f with the elements of the list; under the protection of the call, since they may run code, too */
static int call_spread(lua_State *L) {
  luaL_checkany(L, 2);
  int n = options_count(L, 2, "element of the list to 'starmap'", MOST_ARGS);
  luaL_checkstack(L, n + 4, "too many arguments");
  for (lua_Integer a = 1; a <= n; a++) lua_geti(L, 2, a);
  lua_remove(L, 2);
  lua_call(L, n, LUA_MULTRET);
  return lua_gettop(L);
}

/* Makes call k (from 0) of the chunk. */
static CallResult call_one(lua_State *L, lua_Integer k, int arity, bool spread) {
  if (spread) lua_pushcfunction(L, call_spread);
  lua_pushvalue(L, F);
  for (int a = 1; a <= arity; a++) lua_rawgeti(L, BATCH, k * arity + a);
  return call_user(L, arity + spread, 1);
}

/* Keeps the error and its traceback, on top and popped, of call k (from 1). */
static void keep_error(lua_State *L, lua_Integer k) {
  if (lua_isnil(L, ERRORS)) {
    lua_newtable(L);
    lua_replace(L, ERRORS);
  }
  lua_createtable(L, 2, 0);
  lua_insert(L, -3);
  lua_rawseti(L, -3, 2);
  lua_rawseti(L, -2, 1);
  lua_rawseti(L, ERRORS, k);
}

/* The calls behind n are not made: they have the error of call n. Returns how many there are. */
static lua_Integer give_up_rest(lua_State *L, lua_Integer n, lua_Integer count) {
  lua_rawgeti(L, ERRORS, n);
  while (n < count) {
    lua_pushboolean(L, false);
    lua_rawseti(L, RESULTS, ++n);
    lua_pushvalue(L, -1);
    lua_rawseti(L, ERRORS, n);
  }
  lua_settop(L, ERRORS);
  return n;
}

int chunk_run(lua_State *L) {
  lua_settop(L, GOES_ON);
  luaL_checktype(L, BATCH, LUA_TTABLE);
  lua_Integer count = luaL_checkinteger(L, COUNT), arity = luaL_checkinteger(L, ARITY), n = 0;
  bool spread = lua_toboolean(L, SPREAD), goes_on = lua_toboolean(L, GOES_ON);
  luaL_argcheck(L, count >= 0 && count <= INT_MAX, COUNT, "out of range");
  luaL_argcheck(L, arity >= (spread ? 1 : 0) && arity <= (spread ? 1 : MOST_ARGS), ARITY, "out of range");
  luaL_checkstack(L, (int)arity + 8, "too many arguments");
  int64_t start = clock_ns();
  lua_createtable(L, count < ROOM ? (int)count : ROOM, 0);
  lua_pushnil(L);
  for (bool failed = false; n < count && (goes_on || !failed);) {
    CallResult result = call_one(L, n++, (int)arity, spread);
    if (result == CALL_REQUESTED) error_push_traceback(L, -1);
    failed = result != CALL_OK;
    if (failed) keep_error(L, n);
    if (failed || lua_isnil(L, -1)) lua_pushboolean(L, false);
    lua_rawseti(L, RESULTS, n);
    lua_settop(L, ERRORS);
    if (result == CALL_REQUESTED && goes_on) n = give_up_rest(L, n, count);
  }
  lua_pushvalue(L, RESULTS);
  lua_pushinteger(L, n);
  lua_pushinteger(L, clock_ns() - start);
  lua_pushvalue(L, ERRORS);
  return CHUNK_VALUES;
}
