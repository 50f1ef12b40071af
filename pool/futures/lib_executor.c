/* The methods of every executor:
 *
 *   pool:submit(f, ...) -> Future        pool:map(f, list_or_iterator, ..., [options]) -> iterator
 *                                      options: {chunksize =, timeout =, buffersize =}
 *   pool:shutdown{wait = true, cancel_futures = false}        pool:terminate()        <close>: shutdown{}
 */
#include <string.h>

#include "pool/futures/backend.h"
#include "pool/futures/lib_futures.h"
#include "runtime/state/error.h"
#include "runtime/state/options.h"
#include "runtime/state/runtime.h"

static int executor_submit_method(lua_State *L) {
  executor_check_function(L, executor_check(L, 1), 2);
  executor_submit(L, 1, lua_gettop(L) - 2);
  return 1;
}

static int executor_shutdown(lua_State *L) {
  static const Option known[] = {{"wait", OPTION_FLAG, 0, 0, NULL},
                                 {"cancel_futures", OPTION_FLAG, 0, 0, NULL},
                                 {NULL, OPTION_FLAG, 0, 0, NULL}};
  Executor *e = executor_check(L, 1);
  options_take(L, 2, "shutdown", known, NULL);
  executor_close(L, 1, options_flag(L, 2, "cancel_futures", false));
  if (options_flag(L, 2, "wait", true)) executor_join(L, e, CLOCK_NEVER);
  return 0;
}

static int executor_terminate_method(lua_State *L) {
  executor_check(L, 1);
  executor_terminate(L, 1);
  return 0;
}

/* What Ctrl-C raised; in a stock interpreter that is its text, perhaps with a traceback behind it. */
static bool is_interrupt(lua_State *L, int i) {
  static const char said[] = "interrupted!";
  const Runtime *rt = runtime_of(L);
  if (rt == NULL || !rt->attached || lua_type(L, i) != LUA_TSTRING) return error_is(L, i, ERROR_INTERRUPTED);
  const char *text = lua_tostring(L, i);
  size_t n = strcspn(text, "\n"), length = sizeof said - 1;
  return n >= length && memcmp(text + n - length, said, length) == 0;
}

/* (pool) */
static int close_and_join(lua_State *L) {
  executor_close(L, 1, false);
  executor_join(L, executor_at(L, 1), CLOCK_NEVER);
  return 0;
}

/* (pool, error): after a Ctrl-C, also one that comes amid the wait here, nobody wants the tasks any more. */
static int executor_close_method(lua_State *L) {
  Executor *e = executor_check(L, 1);
  lua_settop(L, 2);
  lua_pushcfunction(L, close_and_join);
  lua_pushvalue(L, 1);
  bool over = is_interrupt(L, 2);
  if (!over && lua_pcall(L, 1, 0, 0) == LUA_OK) return 0;
  if (over || is_interrupt(L, -1)) {
    executor_terminate(L, 1);
    executor_join(L, e, CLOCK_NEVER);
  }
  return over ? 0 : lua_error(L);
}

const luaL_Reg executor_methods[] = {
    {"map", executor_map_method},
    {"shutdown", executor_shutdown},
    {"submit", executor_submit_method},
    {"terminate", executor_terminate_method},
    {NULL, NULL},
};

const luaL_Reg executor_meta[] = {{"__close", executor_close_method}, {"__gc", executor_collect}, {NULL, NULL}};
