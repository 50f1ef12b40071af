/* The methods of every executor:
 *
 *   pool:submit(f, ...) -> Future        pool:map(f, list_or_iterator, ..., [options]) -> iterator
 *                                      options: {chunksize =, timeout =, buffersize =}
 *   pool:shutdown{wait = true, cancel_futures = false}        pool:terminate()        <close>: shutdown{}
 */
#include "pool/futures/backend.h"
#include "pool/futures/lib_futures.h"
#include "runtime/state/error.h"
#include "runtime/state/options.h"

static int executor_submit_method(lua_State *L) {
  executor_check(L, 1);
  object_check_callable(L, 2);
  executor_submit(L, 1, lua_gettop(L) - 2);
  return 1;
}

static int executor_shutdown(lua_State *L) {
  static const Option known[] = {{"wait", OPTION_FLAG, 0, 0, NULL},
                                 {"cancel_futures", OPTION_FLAG, 0, 0, NULL},
                                 {NULL, OPTION_FLAG, 0, 0, NULL}};
  executor_check(L, 1);
  options_take(L, 2, "shutdown", known, NULL);
  executor_close(L, 1, options_flag(L, 2, "cancel_futures", false));
  if (options_flag(L, 2, "wait", true)) executor_join(L, 1, CLOCK_NEVER);
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
