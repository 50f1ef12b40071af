/* The back end of threads: submit, close, join, terminate. */
#include "pool/futures/thread_backend.h"

#include <stdio.h>
#include <string.h>

#include "pool/futures/cpus.h"
#include "pool/futures/end.h"
#include "pool/futures/thread_worker.h"
#include "runtime/state/error.h"
#include "runtime/state/options.h"
#include "runtime/state/order.h"
#include "runtime/state/request.h"
#include "runtime/thread/thread.h"

enum { MOST_WORKERS = 100000, MOST_ARGS = 60000 };

typedef struct ThreadExecutor {
  Executor executor;
  ThreadPool *pool; /* [i] in its user value and in EXECUTOR_OWN of the object; NULL until the constructor is through */
} ThreadExecutor;

static const ObjectType executor_type = {.name = "gilua.ThreadPoolExecutor",
                                         .size = sizeof(ExecutorObject),
                                         .methods = executor_methods,
                                         .meta = executor_meta,
                                         .describe = executor_describe};

static ThreadPool *pool_of(Executor *e) { return ((ThreadExecutor *)e)->pool; }

/* (pool): worker_staff, protected */
static int staff(lua_State *L) {
  worker_staff(L, tstate_self(), lua_touserdata(L, 1), 1);
  return 0;
}

/* Sees to it that the future at index i is run by the pool above it; if there can be no worker it is cancelled, and the error
 * raised. */
static void staff_or_cancel(lua_State *L, int i) {
  lua_pushcfunction(L, staff);
  lua_pushvalue(L, i + 1);
  if (lua_pcall(L, 1, 0, 0) == LUA_OK) return;
  future_cancel(L, i);
  lua_error(L);
}

static void submit(lua_State *L, Executor *e, int i, int nargs) {
  ThreadPool *p = pool_of(e);
  Tstate *self = park_self(L);
  if (p->pid != e->rt->gil.pid) luaL_error(L, "the threads of this pool did not come along into the forked process");
  if (nargs >= MOST_ARGS) luaL_error(L, "too many arguments to a task");
  luaL_checkstack(L, 8, NULL);
  i = lua_absindex(L, i);
  Future *f = future_new(L, NULL, NULL, nargs + 1);
  lua_insert(L, -nargs - 2);
  int future = lua_gettop(L) - nargs - 1;
  for (int k = nargs; k >= 0; k--) lua_setiuservalue(L, future, FUTURE_VALUE + k);
  f->nvalues = nargs + 1;
  f->workers = &p->workers;
  lua_getiuservalue(L, i, EXECUTOR_OWN);
  lua_pushvalue(L, future);
  thread_pool_put(L, p, future + 1);
  if (p->workers.count == 0) staff_or_cancel(L, future);
  else worker_staff(L, self, p, future + 1);
  lua_settop(L, future);
}

static void close_pool(lua_State *L, Executor *e, int i, bool cancel) {
  ThreadPool *p = pool_of(e);
  thread_pool_shut(park_self(L), p);
  if (!cancel) return;
  lua_getiuservalue(L, i, EXECUTOR_OWN);
  thread_pool_clear(L, p, -1);
  lua_pop(L, 1);
}

static ParkResult join_pool(lua_State *L, Tstate *ts, Executor *e, int64_t deadline) {
  ThreadPool *p = pool_of(e);
  if (p->pid != e->rt->gil.pid || e->rt->phase == PHASE_ENDED) return PARK_GRANTED; /* no worker runs any more */
  if (workers_own(&p->workers, ts)) luaL_error(L, "a task cannot wait for the end of its own pool");
  while (p->workers.count > 0) {
    ParkResult result = park(ts, &p->joiners, deadline, "pool", p);
    if (result != PARK_GRANTED && p->workers.count > 0) return result;
  }
  order_acquire(ts, &p->joiners);
  return PARK_GRANTED;
}

/* Running tasks are cancelled at once, as far as anybody can see; their threads, and those in the initializer, get the news
 * when they run again. */
static void terminate(lua_State *L, Executor *e, int i) {
  Tstate *self = park_self(L);
  close_pool(L, e, i, true);
  int top = lua_gettop(L);
  lua_getiuservalue(L, i, EXECUTOR_OWN);
  worker_push_list(L, pool_of(e), -1);
  for (lua_Integer k = 1; lua_rawgeti(L, top + 2, k) != LUA_TNIL; k++) {
    WorkerObject *w = lua_touserdata(L, -1);
    if (w->initializing && w->worker.ts != self) request_cancel(L, self, w->worker.ts, 0);
    if (lua_getiuservalue(L, -1, 1) != LUA_TNIL && w->task != NULL && !future_decided(w->task)) {
      if (w->worker.ts != self) request_cancel(L, self, w->worker.ts, 0);
      future_set_cancelled(L, -1);
    }
    lua_settop(L, top + 2);
  }
  lua_settop(L, top);
}

static void collected(Executor *e) {
  ThreadPool *p = pool_of(e);
  if (p == NULL) return;
  p->executor = NULL;
  if (p->pid == e->rt->gil.pid) thread_pool_shut(tstate_self(), p);
}

static void free_executor(Executor *e) {
  ThreadPool *p = pool_of(e);
  if (p == NULL) return;
  p->executor = NULL;
  p->uncounted = p->submitted != p->finished;
}

static void count(Executor *e, PoolCounters *out) {
  if (pool_of(e) != NULL) worker_count(pool_of(e), out);
}

static void push_worker_counters(lua_State *L, Executor *e) {
  char name[POOL_NAME];
  lua_newtable(L);
  lua_Integer n = 0;
  for (const Worker *w = pool_of(e)->workers.first; w != NULL; w = w->next) {
    const WorkerObject *o = worker_object(w);
    lua_createtable(L, 0, 3);
    lua_pushstring(L, thread_peek_name(w->ts, name, sizeof name));
    lua_setfield(L, -2, "name");
    lua_pushinteger(L, o->tasks);
    lua_setfield(L, -2, "tasks");
    lua_pushinteger(L, worker_busy_ns(o));
    lua_setfield(L, -2, "busy_ns");
    lua_rawseti(L, -2, ++n);
  }
}

static const Backend thread_backend = {
    .size = sizeof(ThreadExecutor),
    .submit = submit,
    .close = close_pool,
    .join = join_pool,
    .terminate = terminate,
    .collected = collected,
    .free = free_executor,
    .count = count,
    .push_workers = push_worker_counters,
};

static void push_prefix(lua_State *L, ExecutorRegistry *r) {
  if (lua_getfield(L, 1, "thread_name_prefix") != LUA_TNIL) return;
  lua_pushfstring(L, "ThreadPool-%I", (LUAI_UACINT)r->pools++);
  lua_replace(L, -2);
}

int thread_executor_new(lua_State *L) {
  static const char what[] = "ThreadPoolExecutor";
  static const Option known[] = {{"max_workers", OPTION_INTEGER, 1, MOST_WORKERS, NULL},
                                 {"thread_name_prefix", OPTION_STRING, 0, 0, NULL},
                                 {"initializer", OPTION_CALL, 0, 0, NULL},
                                 {"initargs", OPTION_LIST, 0, 0, NULL},
                                 {"show_progress", OPTION_FLAG, 0, 0, NULL},
                                 {NULL, OPTION_FLAG, 0, 0, NULL}};
  options_take(L, 1, what, known, "max_workers");
  ExecutorRegistry *r = end_open(L);
  int cpus = cpus_usable(), standard = cpus + 4 < 32 ? cpus + 4 : 32;
  int most = (int)options_integer(L, 1, "max_workers", standard);
  int init_args = executor_option_call(L, what); /* at 2 */
  push_prefix(L, r);                             /* 3 */
  ThreadPool *p = thread_pool_new(L, most);      /* 4 */
  p->init_args = init_args;
  lua_pushvalue(L, 2);
  lua_setiuservalue(L, 4, POOL_INIT);
  lua_pushvalue(L, 3);
  lua_setiuservalue(L, 4, POOL_PREFIX);
  snprintf(p->name, sizeof p->name, "%s", lua_tostring(L, 3));
  Executor *e = executor_new(L, r, &executor_type, &thread_backend, most, 1);
  lua_pushvalue(L, 4);
  lua_setiuservalue(L, -2, EXECUTOR_OWN);
  lua_getiuservalue(L, -1, EXECUTOR_ITSELF);
  lua_pushvalue(L, 4);
  lua_setiuservalue(L, -2, 1);
  lua_pop(L, 1);
  ((ThreadExecutor *)e)->pool = p;
  p->executor = e;
  return 1;
}
