/* gilua.threading: system threads over one shared Lua heap.
 *
 *   threading.Thread{target = f, args = {…}, name = s, daemon = b}     threading.start(f, ...) -> started Thread
 *   t:start() -> t   t:is_alive()   t:join([timeout]) -> boolean   t:result([timeout]) -> values   t:cancel([message])
 *   t.name  t.daemon  t.ident  t.native_id  t.waits_for ("lock", "queue", …, or nil)
 *   threading.Timer(seconds, f [, args])                               a Thread that calls f later; cancel calls it off
 *   current_thread() main_thread() enumerate() active_count() get_ident() get_native_id() stack_size([bytes])
 *   threading.Local()   threading.excepthook   threading.TIMEOUT_MAX
 *   Lock RLock Condition Event Semaphore BoundedSemaphore Barrier      below
 */
#include <lauxlib.h>

#include "runtime/sync/lib_sync.h"
#include "runtime/thread/excepthook.h"
#include "runtime/thread/lib_thread.h"
#include "runtime/thread/local.h"
#include "runtime/state/options.h"
#include "runtime/thread/thread.h"

enum { LEAST_STACK = 1024 * 1024, MOST_ARGS = 900000 };

/* Replaces the list of arguments at index list (or nothing) by {target, args…}, pushed; returns how many those are. */
static lua_Integer pack_call(lua_State *L, int target, int list, const char *what) {
  int n = 0;
  if (!lua_isnoneornil(L, list)) {
    luaL_checktype(L, list, LUA_TTABLE);
    n = options_count(L, list, what, MOST_ARGS);
  }
  lua_createtable(L, n + 1, 0);
  lua_pushvalue(L, target);
  lua_rawseti(L, -2, 1);
  for (lua_Integer i = 1; i <= n; i++) {
    lua_geti(L, list, i);
    lua_rawseti(L, -2, i + 1);
  }
  return n + 1;
}

/* Pushes a Thread for the call on top of the stack, named and flagged by default. */
static Thread *new_thread(lua_State *L, lua_Integer n) {
  Tstate *self = park_self(L);
  thread_push_current(L, self);
  bool daemon = ((Thread *)lua_touserdata(L, -1))->daemon;
  lua_pop(L, 1);
  Thread *t = thread_new(L, n);
  t->number = ++self->rt->last_name;
  t->daemon = daemon;
  return t;
}

static int threading_Thread(lua_State *L) {
  static const Option known[] = {{"target", OPTION_CALL, 0, 0, NULL},
                                 {"args", OPTION_LIST, 0, 0, NULL},
                                 {"name", OPTION_STRING, 0, 0, NULL},
                                 {"daemon", OPTION_FLAG, 0, 0, NULL},
                                 {NULL, OPTION_FLAG, 0, 0, NULL}};
  options_take(L, 1, "Thread", known, NULL);
  lua_getfield(L, 1, "target"); /* 2 */
  lua_getfield(L, 1, "args");   /* 3 */
  lua_getfield(L, 1, "name");   /* 4 */
  Thread *t = new_thread(L, pack_call(L, 2, 3, "field 'args' to 'Thread'"));
  t->daemon = options_flag(L, 1, "daemon", t->daemon);
  size_t length = 0;
  if (lua_tolstring(L, 4, &length) != NULL && length > 0) { /* "" stands for the default name, as in Python */
    lua_pushvalue(L, 4);
    lua_setiuservalue(L, -2, THREAD_NAME);
  }
  return 1;
}

static int threading_start(lua_State *L) {
  object_check_callable(L, 1);
  int n = lua_gettop(L);
  lua_createtable(L, n, 0);
  lua_insert(L, 1);
  for (int i = n; i > 0; i--) lua_rawseti(L, 1, i);
  new_thread(L, n);
  thread_start(L, -1);
  return 1;
}

static int threading_Timer(lua_State *L) {
  lua_Number seconds = luaL_checknumber(L, 1);
  park_timeout(L, 1, NULL);
  object_check_callable(L, 2);
  luaL_argcheck(L, lua_isnoneornil(L, 4), 4, "no value expected: the arguments of the function are one table");
  lua_settop(L, 3);
  Thread *t = new_thread(L, pack_call(L, 2, 3, "argument #3 to 'Timer'"));
  t->timer = true;
  t->delay = seconds;
  return 1;
}

static int threading_current_thread(lua_State *L) {
  thread_push_current(L, park_self(L));
  return 1;
}

static int threading_main_thread(lua_State *L) {
  thread_push_current(L, park_self(L)->rt->main);
  return 1;
}

static int threading_enumerate(lua_State *L) {
  Runtime *rt = park_self(L)->rt;
  lua_createtable(L, (int)rt->nthreads, 0);
  lua_Integer n = 0;
  for (Tstate *ts = rt->threads; ts != NULL; ts = ts->next) {
    thread_push_current(L, ts);
    lua_rawseti(L, -2, ++n);
  }
  return 1;
}

static int threading_active_count(lua_State *L) {
  lua_pushinteger(L, park_self(L)->rt->nthreads);
  return 1;
}

static int threading_get_ident(lua_State *L) {
  lua_pushinteger(L, park_self(L)->ident);
  return 1;
}

static int threading_get_native_id(lua_State *L) {
  lua_pushinteger(L, park_self(L)->gil.tid);
  return 1;
}

static int threading_stack_size(lua_State *L) {
  Runtime *rt = park_self(L)->rt;
  lua_pushinteger(L, (lua_Integer)rt->stack_size);
  if (!lua_isnoneornil(L, 1)) {
    lua_Integer bytes = luaL_checkinteger(L, 1);
    luaL_argcheck(L, bytes == 0 || bytes >= LEAST_STACK, 1, "a stack needs at least 1 MiB (0: the system's default)");
    rt->stack_size = (size_t)bytes;
  }
  return 1;
}

int lib_threading_open(lua_State *L) {
  static const luaL_Reg funcs[] = {
      {"Local", local_new},
      {"Thread", threading_Thread},
      {"Timer", threading_Timer},
      {"active_count", threading_active_count},
      {"current_thread", threading_current_thread},
      {"enumerate", threading_enumerate},
      {"excepthook", excepthook_default},
      {"get_ident", threading_get_ident},
      {"get_native_id", threading_get_native_id},
      {"main_thread", threading_main_thread},
      {"stack_size", threading_stack_size},
      {"start", threading_start},
      {NULL, NULL},
  };
  luaL_newlib(L, funcs);
  lua_pushnumber(L, PARK_TIMEOUT_MAX);
  lua_setfield(L, -2, "TIMEOUT_MAX");
  lib_lock_add(L);
  lib_condition_add(L);
  lib_event_add(L);
  lib_semaphore_add(L);
  lib_barrier_add(L);
  return 1;
}
