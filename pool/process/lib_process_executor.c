/* futures.ProcessPoolExecutor{max_workers, initializer, initargs, max_tasks_per_child, task_timeout, retries = 0,
 *                             max_pending, memory_limit, start = "fork"}
 *
 * Executes tasks in processes that were forked from the program as it stood when the pool was made.
 */
#include "pool/process/lib_process_executor.h"

#include <lauxlib.h>
#include <stdio.h>
#include <string.h>

#include "pool/futures/cpus.h"
#include "pool/futures/service.h"
#include "pool/process/process_backend.h"
#include "runtime/thread/error.h"

static const ObjectType process_executor_type = {.name = "gilua.ProcessPoolExecutor",
                                                 .size = sizeof(ProcessExecutor),
                                                 .methods = executor_methods,
                                                 .meta = executor_meta};

static const char what[] = "ProcessPoolExecutor";

static lua_Integer option_integer(lua_State *L, const char *name, lua_Integer least) {
  int type = LUA_TNIL, whole = 0;
  lua_Integer n = 0;
  if (lua_istable(L, 1)) type = lua_getfield(L, 1, name);
  else lua_pushnil(L);
  if (type != LUA_TNIL) {
    n = lua_tointegerx(L, -1, &whole);
    if (type != LUA_TNUMBER || !whole || n < least || n > UINT32_MAX)
      luaL_error(L, "%s: %s must be an integer of at least %I", what, name, (LUAI_UACINT)least);
  }
  lua_pop(L, 1);
  return n;
}

static int64_t option_seconds(lua_State *L, const char *name) {
  int type = LUA_TNIL;
  double s = 0;
  if (lua_istable(L, 1)) type = lua_getfield(L, 1, name);
  else lua_pushnil(L);
  if (type != LUA_TNIL) {
    s = lua_tonumber(L, -1);
    if (type != LUA_TNUMBER || !(s > 0) || s > PARK_TIMEOUT_MAX)
      luaL_error(L, "%s: %s must be a number of seconds above 0", what, name);
  }
  lua_pop(L, 1);
  return (int64_t)(s * 1e9);
}

static size_t option_bytes(lua_State *L, const char *name) {
  int type = LUA_TNIL;
  double n = 0;
  if (lua_istable(L, 1)) type = lua_getfield(L, 1, name);
  else lua_pushnil(L);
  if (type != LUA_TNIL) {
    n = lua_tonumber(L, -1);
    if (type != LUA_TNUMBER || !(n >= 1) || n > 1e18) luaL_error(L, "%s: %s must be a number of bytes above 0", what, name);
  }
  lua_pop(L, 1);
  return (size_t)n;
}

static bool option_spawn(lua_State *L) {
  if (!lua_istable(L, 1)) return false;
  lua_getfield(L, 1, "start");
  const char *start = lua_tostring(L, -1);
  bool spawn = start != NULL && strcmp(start, "spawn") == 0;
  if (!lua_isnil(L, -1) && !spawn && (start == NULL || strcmp(start, "fork") != 0))
    luaL_error(L, "%s: start must be \"fork\" or \"spawn\"", what);
  lua_pop(L, 1);
  return spawn;
}

/* The initializer and its arguments as a message; empty if there is none. */
static void dump_init(lua_State *L, PickleLink *link, PickleMessage *message) {
  int nargs = executor_option_call(L, what);
  if (lua_istable(L, -1)) {
    int list = lua_gettop(L);
    luaL_checkstack(L, nargs + 1, NULL);
    for (int k = 1; k <= nargs + 1; k++) lua_rawgeti(L, list, k);
    pickle_dump(L, list + 1, nargs + 1, PICKLE_TASK, link, message);
    lua_settop(L, list);
  }
  lua_pop(L, 1);
}

static int new_executor(lua_State *L) {
  Tstate *ts = park_self(L);
  static const char *const fields[] = {"max_workers",  "initializer", "initargs", "max_tasks_per_child", "task_timeout",
                                       "retries",      "max_pending", "memory_limit", "start", "show_progress", NULL};
  PickleMessage init = {0};
  if (!lua_isnoneornil(L, 1)) luaL_checktype(L, 1, LUA_TTABLE);
  object_check_fields(L, 1, what, fields);
  lua_settop(L, 1);
  engines_open(L);
  engines_sweep(L);
  EngineOptions options = {.cpus = (unsigned)cpus_usable(),
                           .max_tasks = (unsigned)option_integer(L, "max_tasks_per_child", 1),
                           .retries = (unsigned)option_integer(L, "retries", 0),
                           .max_pending = (unsigned)option_integer(L, "max_pending", 1),
                           .task_timeout_ns = option_seconds(L, "task_timeout"),
                           .spawn = option_spawn(L),
                           .memory_limit = option_bytes(L, "memory_limit")};
  options.max_workers = (unsigned)executor_option_workers(L, what, "max_workers", (int)options.cpus, MOST_WORKERS);
  ProcessExecutor *p =
      (ProcessExecutor *)executor_new(L, &process_executor_type, &process_backend, (int)options.max_workers, 1);
  p->link = pickle_link_new(L, options.spawn ? PICKLE_LINK_SPAWN : 0);
  dump_init(L, p->link, &init);
  p->engine = engine_new(L, ts, &options, p->link, &init, process_backend_notify);
  p->engine->life = engines_life(L);
  engines_add(L, p->engine, &p->owner);
  if (p->executor.state != EXECUTOR_OPEN) { /* the program ended meanwhile */
    engine_close(p->engine);
    error_raise(L, ERROR_FINALIZING, "cannot make a pool while the program ends");
  }
  snprintf(p->engine->name, sizeof p->engine->name, "ProcessPool-%lld", (long long)service_of(L)->pools++);
  return 1;
}

bool lib_process_executor_is_foreign(const Executor *e) { return process_backend_engine(e) == NULL; }

void lib_process_executor_add(lua_State *L) {
  static const luaL_Reg funcs[] = {{"ProcessPoolExecutor", new_executor}, {NULL, NULL}};
  object_register(L, &process_executor_type);
  engines_open(L);
  luaL_setfuncs(L, funcs, 0);
}
