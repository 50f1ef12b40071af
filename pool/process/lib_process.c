/* Processes that execute tasks:
 *
 *   futures.ProcessPoolExecutor{max_workers, initializer, initargs, max_tasks_per_child, task_timeout, retries = 0,
 *                               max_pending, memory_limit, start = "fork", show_progress = false}
 *
 * Executes tasks in processes that were forked from the program as it stood when the pool was made.
 */
#include "pool/process/lib_process.h"

#include <lauxlib.h>
#include <stdio.h>
#include <string.h>

#include "pool/futures/cpus.h"
#include "pool/futures/end.h"
#include "pool/process/cancel.h"
#include "pool/process/process_backend.h"
#include "pool/process/tasks.h"
#include "pool/process/wait.h"
#include "runtime/state/error.h"
#include "runtime/state/options.h"

static const ObjectType process_executor_type = {.name = "gilua.ProcessPoolExecutor",
                                                 .size = sizeof(ExecutorObject),
                                                 .methods = executor_methods,
                                                 .meta = executor_meta,
                                                 .describe = executor_describe};

static const char what[] = "ProcessPoolExecutor";

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
  static const char *const starts[] = {"fork", "spawn", NULL};
  static const Option known[] = {{"max_workers", OPTION_INTEGER, 1, MOST_WORKERS, NULL},
                                 {"initializer", OPTION_CALL, 0, 0, NULL},
                                 {"initargs", OPTION_LIST, 0, 0, NULL},
                                 {"max_tasks_per_child", OPTION_INTEGER, 1, UINT32_MAX, NULL},
                                 {"task_timeout", OPTION_NUMBER, 0, (lua_Integer)PARK_TIMEOUT_MAX, NULL},
                                 {"retries", OPTION_INTEGER, 0, UINT32_MAX, NULL},
                                 {"max_pending", OPTION_INTEGER, 1, UINT32_MAX, NULL},
                                 {"memory_limit", OPTION_NUMBER, 0, INT64_MAX / 2, NULL},
                                 {"start", OPTION_WORD, 0, 0, starts},
                                 {"show_progress", OPTION_FLAG, 0, 0, NULL},
                                 {NULL, OPTION_FLAG, 0, 0, NULL}};
  PickleMessage init = {0};
  options_take(L, 1, what, known, "max_workers");
  engines_open(L);
  engines_sweep(L);
  EngineOptions options = {.cpus = (unsigned)cpus_usable(),
                           .max_tasks = (unsigned)options_integer(L, 1, "max_tasks_per_child", 0),
                           .retries = (unsigned)options_integer(L, 1, "retries", 0),
                           .max_pending = (unsigned)options_integer(L, 1, "max_pending", 0),
                           .task_timeout_ns = (int64_t)(options_number(L, 1, "task_timeout", 0) * 1e9),
                           .spawn = options_word(L, 1, "start", 0) == 1,
                           .memory_limit = (size_t)options_number(L, 1, "memory_limit", 0)};
  options.max_workers = (unsigned)options_integer(L, 1, "max_workers", options.cpus);
  ExecutorRegistry *r = end_open(L);
  ProcessExecutor *p =
      (ProcessExecutor *)executor_new(L, r, &process_executor_type, &process_backend, (int)options.max_workers, 1);
  p->link = pickle_link_new(L, options.spawn ? PICKLE_LINK_SPAWN : 0);
  dump_init(L, p->link, &init);
  p->engine = engine_new(L, ts, &options, p->link, &init, process_backend_notify);
  p->engine->life = engines_life(L);
  engines_add(L, p->engine, &p->owner);
  if (p->executor.state != EXECUTOR_OPEN) { /* the program ended meanwhile */
    engine_close(p->engine);
    error_raise(L, ERROR_FINALIZING, "cannot make a pool while the program ends");
  }
  snprintf(p->engine->shown.name, sizeof p->engine->shown.name, "ProcessPool-%lld", (long long)r->pools++);
  return 1;
}

bool lib_process_is_foreign(const Executor *e) { return process_backend_engine(e) == NULL; }

void lib_process_add(lua_State *L) {
  static const luaL_Reg funcs[] = {{"ProcessPoolExecutor", new_executor}, {NULL, NULL}};
  engines_open(L);
  luaL_setfuncs(L, funcs, 0);
}
