/* gilua.futures: tasks and their outcomes.
 *
 *   futures.ThreadPoolExecutor{max_workers, thread_name_prefix, initializer, initargs, show_progress}
 *   futures.wait(list, {timeout=, return_when=}) -> done, not_done
 *   futures.ALL_COMPLETED  futures.FIRST_COMPLETED  futures.FIRST_EXCEPTION      for return_when
 *   futures.as_completed(list [, timeout]) -> iterator
 *   futures.progress(iterator [, total]) -> iterator        futures.Future()
 */
#include "pool/futures/lib_futures.h"

#include "pool/futures/group.h"
#include "pool/futures/lib_counters.h"
#include "pool/futures/progress.h"
#include "pool/futures/end.h"
#include "pool/futures/thread_backend.h"
#include "runtime/state/error.h"
#include "runtime/state/options.h"

typedef enum ReturnWhen { ALL_COMPLETED, FIRST_COMPLETED, FIRST_EXCEPTION } ReturnWhen;

static const char *const when_names[] = {"ALL_COMPLETED", "FIRST_COMPLETED", "FIRST_EXCEPTION", NULL};

/* Waits for futures of the list at 1, through the group at index g, until the condition holds or time is over. */
static void wait_for(lua_State *L, int g, ReturnWhen when, int64_t deadline) {
  Tstate *ts = park_self(L);
  for (bool enough = false, taken = true; !enough && taken;) {
    if (!park_check(L, ts, group_take(L, ts, g, deadline, &taken))) return;
    if (!taken) return;
    const Future *f = lua_touserdata(L, -1);
    enough = when == FIRST_COMPLETED || (when == FIRST_EXCEPTION && f->state == FUTURE_FAILED);
    lua_pop(L, 1);
  }
}

/* Pushes the two lists. */
static void push_parts(lua_State *L, int list) {
  lua_newtable(L);
  lua_newtable(L);
  lua_newtable(L); /* seen */
  int done = lua_gettop(L) - 2;
  lua_Integer n[2] = {0, 0};
  for (lua_Integer k = 1; lua_geti(L, list, k) != LUA_TNIL; k++) {
    lua_pushvalue(L, -1);
    if (lua_rawget(L, done + 2) == LUA_TNIL) {
      lua_pushvalue(L, -2);
      lua_pushboolean(L, true);
      lua_rawset(L, done + 2);
      bool pending = !future_poll(L, -2);
      lua_pushvalue(L, -2);
      lua_rawseti(L, done + pending, ++n[pending]);
    }
    lua_settop(L, done + 2);
  }
  lua_settop(L, done + 1);
}

static int futures_wait(lua_State *L) {
  static const Option known[] = {{"timeout", OPTION_NUMBER, 0, 0, NULL},
                                 {"return_when", OPTION_WORD, 0, 0, when_names},
                                 {NULL, OPTION_FLAG, 0, 0, NULL}};
  luaL_checktype(L, 1, LUA_TTABLE);
  options_take(L, 2, "wait", known, "timeout");
  bool poll;
  ReturnWhen when = (ReturnWhen)options_word(L, 2, "return_when", ALL_COMPLETED);
  int64_t deadline = park_timeout_field(L, 2, "wait", &poll);
  group_of_list(L, 1);
  if (!poll) wait_for(L, 3, when, deadline);
  push_parts(L, 1);
  return 2;
}

enum { COMPLETED_GROUP = 1, COMPLETED_DEADLINE, COMPLETED_TOTAL, COMPLETED_LEFT };

/* the iterator; upvalues as above */
static int next_completed(lua_State *L) {
  Tstate *ts = park_self(L);
  bool taken;
  lua_settop(L, 0);
  lua_pushvalue(L, lua_upvalueindex(COMPLETED_GROUP));
  int64_t deadline = lua_tointeger(L, lua_upvalueindex(COMPLETED_DEADLINE));
  lua_Integer left = lua_tointeger(L, lua_upvalueindex(COMPLETED_LEFT));
  if (!park_check(L, ts, group_take(L, ts, 1, deadline, &taken)))
    return error_raise(L, ERROR_TIMEOUT, "%d (of %d) futures unfinished", (int)left,
                       (int)lua_tointeger(L, lua_upvalueindex(COMPLETED_TOTAL)));
  if (!taken) return 0;
  lua_pushinteger(L, left - 1);
  lua_replace(L, lua_upvalueindex(COMPLETED_LEFT));
  return 1;
}

static int futures_as_completed(lua_State *L) {
  object_check_last(L, 2);
  luaL_checktype(L, 1, LUA_TTABLE);
  int64_t deadline = park_timeout(L, 2, NULL);
  lua_settop(L, 1);
  const FutureGroup *g = group_of_list(L, 1);
  lua_pushinteger(L, deadline);
  lua_pushinteger(L, g->size);
  lua_pushinteger(L, g->size);
  lua_pushcclosure(L, next_completed, COMPLETED_LEFT);
  return 1;
}

static int futures_Future(lua_State *L) {
  object_check_last(L, 0);
  future_new(L, NULL, (void *)&future_type, FUTURE_LEAST_SLOTS);
  return 1;
}

int lib_futures_open(lua_State *L) {
  static const luaL_Reg funcs[] = {
      {"Future", futures_Future},
      {"ThreadPoolExecutor", thread_executor_new},
      {"as_completed", futures_as_completed},
      {"progress", progress_wrap},
      {"wait", futures_wait},
      {NULL, NULL},
  };
  end_open(L);
  counters_register(L);
  luaL_newlib(L, funcs);
  for (int k = 0; when_names[k] != NULL; k++) {
    lua_pushstring(L, when_names[k]);
    lua_setfield(L, -2, when_names[k]);
  }
  return 1;
}
