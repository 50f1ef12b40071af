/* The shared pool. Its object is in the registry, under the address of pool_key. */
#include "pool/process/offload.h"

#include "pool/futures/backend.h"
#include "pool/futures/lib_futures.h"
#include "pool/process/lib_process.h"
#include "runtime/state/call.h"

static const char pool_key = 0;

/* Pushes the shared pool; false and nothing pushed: there is none that takes tasks. */
static bool push_pool(lua_State *L) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &pool_key);
  const Executor *e = executor_test(L, -1);
  if (e != NULL && e->state == EXECUTOR_OPEN && !lib_process_is_foreign(e)) return true;
  lua_pop(L, 1);
  return false;
}

/* Pushes a new one. The module is not put where scripts find it: they may have been given none. */
static void make_pool(lua_State *L) {
  lib_futures_open(L);
  lib_process_add(L);
  lua_getfield(L, -1, "ProcessPoolExecutor");
  lua_remove(L, -2);
  lua_call(L, 0, 1);
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &pool_key);
}

/* In a worker: the function and its arguments, above index 1, become a Future that is decided. */
static int run_here(lua_State *L) {
  lib_futures_open(L);
  lua_settop(L, lua_gettop(L) - 1);
  future_new(L, NULL, NULL, FUTURE_LEAST_SLOTS);
  lua_replace(L, 1);
  CallResult result = call_user(L, lua_gettop(L) - 2, LUA_MULTRET);
  if (result == CALL_REQUESTED) return lua_error(L);
  if (result == CALL_OK) future_set_values(L, 1, lua_gettop(L) - 1);
  else future_set_error(L, 1);
  lua_settop(L, 1);
  return 1;
}

int offload_submit(lua_State *L) {
  const Runtime *rt = runtime_of(L);
  if (rt == NULL) return luaL_error(L, "no runtime of gilua with a process pool");
  object_check_callable(L, 2);
  luaL_checkstack(L, 8, NULL);
  if (lua_isnil(L, 1)) {
    if (rt->worker) return run_here(L);
    if (!push_pool(L)) make_pool(L);
    lua_replace(L, 1);
  } else if (executor_test(L, 1) == NULL) {
    return luaL_error(L, "gilua_submit: an executor expected, got %s", luaL_typename(L, 1));
  }
  executor_submit(L, 1, lua_gettop(L) - 2);
  return 1;
}

int offload_call(lua_State *L) {
  const Runtime *rt = runtime_of(L);
  if (rt == NULL || rt->worker) {
    lua_call(L, lua_gettop(L) - 2, LUA_MULTRET);
    return lua_gettop(L) - 1;
  }
  offload_submit(L);
  int future = lua_gettop(L);
  Tstate *ts = park_self(L);
  ParkResult result = future_wait(L, ts, future, CLOCK_NEVER);
  if (result != PARK_GRANTED) future_cancel(L, future); /* nobody will ask again */
  park_check(L, ts, result);
  return future_push_result(L, future);
}

int offload_result(lua_State *L) {
  future_check(L, 1);
  Tstate *ts = park_self(L);
  bool done = park_check(L, ts, future_wait(L, ts, 1, lua_tointeger(L, 2)));
  lua_pushboolean(L, done);
  return done ? 1 + future_push_result(L, 1) : 1;
}
