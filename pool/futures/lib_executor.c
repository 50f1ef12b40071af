/* The methods of every executor:
 *
 *   pool:submit(f, ...) -> Future        pool:map(f, list_or_iterator, ..., [options]) -> iterator (map.c)
 *   pool:shutdown{wait = true, cancel_futures = false}        pool:terminate()        <close>: shutdown{}
 */
#include "pool/futures/executor.h"
#include "pool/futures/lib_futures.h"
#include "runtime/thread/error.h"

static int executor_submit_method(lua_State *L) {
  executor_check(L, 1);
  object_check_callable(L, 2);
  executor_submit(L, 1, lua_gettop(L) - 2);
  return 1;
}

static bool flag(lua_State *L, const char *name, bool standard) {
  if (!lua_istable(L, 2)) return standard;
  bool value = lua_getfield(L, 2, name) == LUA_TNIL ? standard : lua_toboolean(L, -1);
  lua_pop(L, 1);
  return value;
}

static int executor_shutdown(lua_State *L) {
  executor_check(L, 1);
  if (!lua_isnoneornil(L, 2)) luaL_checktype(L, 2, LUA_TTABLE);
  static const char *const fields[] = {"wait", "cancel_futures", NULL};
  object_check_fields(L, 2, "shutdown", fields);
  bool wait = flag(L, "wait", true);
  executor_close(L, 1, flag(L, "cancel_futures", false));
  if (wait) executor_join(L, 1, CLOCK_NEVER);
  return 0;
}

static int executor_terminate_method(lua_State *L) {
  executor_check(L, 1);
  executor_terminate(L, 1);
  return 0;
}

/* (pool, error): after a Ctrl-C nobody wants the tasks any more. */
static int executor_close_method(lua_State *L) {
  executor_check(L, 1);
  if (error_is(L, 2, ERROR_INTERRUPTED)) executor_terminate(L, 1);
  else executor_close(L, 1, false);
  executor_join(L, 1, CLOCK_NEVER);
  return 0;
}

const luaL_Reg executor_methods[] = {
    {"map", executor_map_method},
    {"shutdown", executor_shutdown},
    {"submit", executor_submit_method},
    {"terminate", executor_terminate_method},
    {NULL, NULL},
};

const luaL_Reg executor_meta[] = {{"__close", executor_close_method}, {"__gc", executor_collect}, {NULL, NULL}};
