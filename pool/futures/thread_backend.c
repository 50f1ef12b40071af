/* Worker threads and the queue they share.
 *
 * The pool itself (ThreadPool) is an object of its own: the workers keep it, the executor keeps it, and neither keeps the
 * other, so an executor that is dropped is collected while its workers finish.
 *
 * Protocol     everything under the interpreter lock
 *   tasks      `count` futures in a ring, oldest first; those that were cancelled are skipped when their turn comes
 *   idlers     workers that wait for a task; a submit grants the newest
 *   coming     workers that were granted, or started, and have not run since
 *   Invariant  count > coming  =>  no idlers, and most workers exist (or the system refuses more): pool_staff
 *   shut       no tasks come; a worker that finds none ends
 *   broken     an initializer failed: shut, and the tasks are failed
 */
#include "pool/futures/thread_backend.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "pool/futures/chunk.h"
#include "pool/futures/crew.h"
#include "pool/futures/cpus.h"
#include "pool/futures/service.h"
#include "runtime/sync/ring.h"
#include "runtime/thread/error.h"
#include "runtime/thread/finalizer.h"
#include "runtime/thread/request.h"
#include "runtime/thread/thread.h"
#include "runtime/trace/recorder.h"

enum { MOST_WORKERS = 100000, MOST_ARGS = 60000 };

/* User values of a ThreadPool. */
enum { POOL_RING = 1, POOL_INIT, POOL_PREFIX, POOL_CAUSE, POOL_WORKERS /* by address */, POOL_VALUES = POOL_WORKERS };

typedef struct ThreadPool {
  ObjectHead head;
  Crew crew;
  Ring ring;             /* [G] */
  lua_Integer count;     /* [G] */
  int coming;            /* [G] */
  int init_args;         /* [i] */
  lua_Integer started;   /* [G] number of the next worker */
  bool shut;             /* [G] */
  bool broken;           /* [G] */
  pid_t pid;             /* [i] the process that its threads are in */
  Executor *executor;    /* [G] NULL once that is collected */
  Waitq idlers, joiners; /* [G] */
  lua_Integer submitted, finished, most; /* [G] tasks; most that were queued */
  int64_t busy_ns;       /* [G] of workers that have ended */
  bool uncounted;        /* [G] its executor was collected before its tasks were finished */
  char name[POOL_NAME];  /* [i] */
} ThreadPool;

typedef struct ThreadExecutor {
  Executor executor;
  ThreadPool *pool; /* [i] in user value EXECUTOR_OWN */
} ThreadExecutor;

/* A worker at work; user value 1 is its task. */
typedef struct WorkerObject {
  ObjectHead head;
  Worker worker;
  Future *task; /* [G] what it runs, or NULL */
  lua_Integer tasks; /* [G] it has run */
  int64_t busy_ns, busy_since; /* [G] before and since it found work last; busy_since 0: it has none */
} WorkerObject;

static inline const WorkerObject *object_of_worker(const Worker *w) {
  return (const WorkerObject *)((const char *)w - offsetof(WorkerObject, worker));
}

static const luaL_Reg no_methods[] = {{NULL, NULL}};
static const ObjectType pool_type = {
    .name = "gilua.ThreadPool", .size = sizeof(ThreadPool), .methods = no_methods};
static const ObjectType worker_type = {
    .name = "gilua.PoolWorker", .size = sizeof(WorkerObject), .methods = no_methods};
static const ObjectType executor_type = {.name = "gilua.ThreadPoolExecutor",
                                         .size = sizeof(ThreadExecutor),
                                         .methods = executor_methods,
                                         .meta = executor_meta};

/* --- the worker's side: (pool, worker) at 1 and 2 --- */

enum { AT_POOL = 1, AT_WORKER, AT_RING, AT_HANDLER, AT_TASK, AT_FREE };

static int64_t busy_ns(const WorkerObject *w) {
  return w->busy_ns + (w->busy_since != 0 ? clock_ns() - w->busy_since : 0);
}

static void note_idle(WorkerObject *w) {
  w->busy_ns = busy_ns(w);
  w->busy_since = 0;
}

/* Waits for a task and pushes it; false: the worker may go. A request is raised. */
static bool next_task(lua_State *L, Tstate *ts, ThreadPool *p, WorkerObject *w) {
  for (;;) {
    if (request_pending(ts)) request_raise(L, ts);
    while (p->count > 0) {
      lua_getiuservalue(L, AT_POOL, POOL_RING);
      ring_take(L, ring_slot(&p->ring, 0));
      lua_remove(L, -2);
      p->ring.head = (p->ring.head + 1) & (p->ring.capacity - 1);
      p->count--;
      if (future_set_running(lua_touserdata(L, -1))) {
        if (w->busy_since == 0) w->busy_since = clock_ns();
        return true;
      }
      p->finished++;
      lua_pop(L, 1);
    }
    note_idle(w);
    if (p->shut) return false;
    ts->idle = true;
    ParkResult result = park(ts, &p->idlers, CLOCK_NEVER, "task", p);
    ts->idle = false;
    if (result == PARK_GRANTED && !p->shut) p->coming--;
  }
}

/* Shows the task at AT_TASK in the recording. */
static void trace_begin(lua_State *L, Tstate *ts) {
  lua_getiuservalue(L, AT_TASK, FUTURE_VALUE);
  if (lua_tocfunction(L, -1) == chunk_run) lua_getiuservalue(L, AT_TASK, FUTURE_VALUE + 1);
  trace_task_begin(ts, trace_function(L, ts->rt, -1));
  lua_settop(L, AT_TASK);
}

/* Runs the task at AT_TASK. */
static void run_task(lua_State *L, Tstate *ts, Future *f) {
  int nargs = f->nvalues - 1;
  f->runner = ts->ident;
  if (nargs > LUA_MINSTACK - AT_FREE) luaL_checkstack(L, nargs + 4, "too many arguments");
  for (int k = 0; k <= nargs; k++) lua_getiuservalue(L, AT_TASK, FUTURE_VALUE + k);
  int status = lua_pcall(L, nargs, LUA_MULTRET, AT_HANDLER);
  if (future_decided(f)) return; /* terminated */
  if (status == LUA_OK) {
    future_set_values(L, AT_TASK, lua_gettop(L) - AT_TASK);
  } else {
    error_push_traceback(L, -1);
    future_set_error(L, AT_TASK);
  }
}

/* (pool, worker) */
static int work(lua_State *L) {
  ThreadPool *p = lua_touserdata(L, AT_POOL);
  WorkerObject *w = lua_touserdata(L, AT_WORKER);
  Tstate *ts = tstate_self();
  lua_settop(L, AT_RING);
  lua_pushcfunction(L, error_traceback_handler);
  while (next_task(L, ts, p, w)) {
    w->task = lua_touserdata(L, AT_TASK);
    lua_pushvalue(L, AT_TASK);
    lua_setiuservalue(L, AT_WORKER, 1);
    if (ts->rt->recorder != NULL) trace_begin(L, ts);
    run_task(L, ts, w->task);
    if (ts->task_since != 0) trace_task_end(ts);
    w->task = NULL;
    w->tasks++;
    p->finished++;
    lua_settop(L, AT_HANDLER);
    lua_pushnil(L);
    lua_setiuservalue(L, AT_WORKER, 1);
    /* a task that is one C function has no point of its own where it could leave */
    if ((atomic_load_explicit(&ts->gil.requests, memory_order_relaxed) & REQUEST_SWITCH) != 0) lock_yield(ts);
  }
  return 0;
}

/* Takes every queued task and fails it with the pool's cause, or cancels it. The pool is at index i. */
static void clear_queue(lua_State *L, ThreadPool *p, int i) {
  i = lua_absindex(L, i);
  luaL_checkstack(L, 6, NULL);
  while (p->count > 0) {
    lua_getiuservalue(L, i, POOL_RING);
    ring_take(L, ring_slot(&p->ring, --p->count));
    lua_replace(L, -2);
    const Future *f = lua_touserdata(L, -1);
    if (f->state == FUTURE_PENDING) {
      if (p->broken) {
        lua_getiuservalue(L, i, POOL_CAUSE);
        executor_push_broken(L, -1);
        lua_remove(L, -2);
        lua_pushnil(L);
        future_set_error(L, -3);
      } else {
        future_set_cancelled(L, -1);
      }
    }
    p->finished++;
    lua_pop(L, 1);
  }
}

static void shut(Tstate *self, ThreadPool *p) {
  p->shut = true;
  p->coming = 0;
  park_grant_all(self, &p->idlers);
}

/* The cause is on top of the stack and is popped. */
static void break_pool(lua_State *L, Tstate *ts, ThreadPool *p) {
  if (p->executor != NULL && executor_push(L, p->executor)) {
    lua_pushvalue(L, -2);
    executor_break(L, -2);
    lua_pop(L, 1);
  }
  lua_setiuservalue(L, AT_POOL, POOL_CAUSE);
  p->broken = true;
  shut(ts, p);
  clear_queue(L, p, AT_POOL);
}

/* Calls the initializer; false: it failed, and the pool is broken. */
static bool initialize(lua_State *L, Tstate *ts, ThreadPool *p) {
  if (lua_getiuservalue(L, AT_POOL, POOL_INIT) == LUA_TNIL) return true;
  int call = lua_gettop(L);
  luaL_checkstack(L, p->init_args + 4, "too many arguments");
  lua_pushcfunction(L, error_traceback_handler);
  for (int k = 1; k <= p->init_args + 1; k++) lua_rawgeti(L, call, k);
  if (lua_pcall(L, p->init_args, 0, call + 1) == LUA_OK) return true;
  if (!p->broken) break_pool(L, ts, p);
  return false;
}

/* (pool, worker): all that may raise */
static int work_protected(lua_State *L) {
  ThreadPool *p = lua_touserdata(L, AT_POOL);
  if (initialize(L, tstate_self(), p)) return work(L);
  return 0;
}

static void start_worker(lua_State *L, ThreadPool *p, int i);
static void staff(lua_State *L, Tstate *self, ThreadPool *p, int i);

static int start_protected(lua_State *L) {
  start_worker(L, lua_touserdata(L, 1), 1);
  return 0;
}

static int staff_protected(lua_State *L) {
  staff(L, tstate_self(), lua_touserdata(L, 1), 1);
  return 0;
}

/* A worker was cancelled or has no memory: its task gets the error, on top of the stack, and another takes its place. */
static void succeed(lua_State *L, ThreadPool *p, WorkerObject *w) {
  if (w->task != NULL && !future_decided(w->task)) {
    lua_getiuservalue(L, AT_WORKER, 1);
    lua_pushvalue(L, -2);
    error_push_traceback(L, -1);
    future_set_error(L, -3);
  }
  if (p->count == 0 || (p->shut && p->crew.count > 0)) return;
  lua_pushcfunction(L, staff_protected); /* it may have been on its way to a task */
  lua_pushvalue(L, AT_POOL);
  if (lua_pcall(L, 1, 0, 0) != LUA_OK && p->crew.count == 0) clear_queue(L, p, AT_POOL);
}

static void fill_counters(const ThreadPool *p, PoolCounters *out) {
  *out = (PoolCounters){.kind = "threads",
                        .max_workers = p->crew.most,
                        .workers = p->crew.count,
                        .submitted = (uint64_t)p->submitted,
                        .finished = (uint64_t)p->finished,
                        .queued = (uint64_t)p->count,
                        .most_queued = (uint64_t)p->most,
                        .busy_ns = p->busy_ns};
  memcpy(out->name, p->name, sizeof out->name);
  for (const Worker *w = p->crew.workers; w != NULL; w = w->next) out->busy_ns += busy_ns(object_of_worker(w));
}

static void count_at_last(lua_State *L, ThreadPool *p) {
  PoolCounters c;
  p->uncounted = false;
  fill_counters(p, &c);
  counters_keep(&service_of(L)->ended_pools, &c);
}

/* The target of a worker thread: (pool, worker) */
static int worker_main(lua_State *L) {
  ThreadPool *p = lua_touserdata(L, AT_POOL);
  WorkerObject *w = lua_touserdata(L, AT_WORKER);
  Tstate *ts = tstate_self();
  crew_enter(&p->crew, &w->worker, ts);
  if (!p->shut) p->coming--;
  lua_pushcfunction(L, work_protected);
  lua_pushvalue(L, AT_POOL);
  lua_pushvalue(L, AT_WORKER);
  int status = lua_pcall(L, 2, 0, 0);
  crew_leave(&w->worker);
  p->crew.count--;
  p->busy_ns += busy_ns(w);
  if (w->task != NULL) p->finished++; /* cancelled in it */
  if (status != LUA_OK) succeed(L, p, w);
  lua_getiuservalue(L, AT_POOL, POOL_WORKERS);
  lua_pushnil(L);
  lua_rawsetp(L, -2, &w->worker);
  if (p->crew.count == 0) park_grant_all(ts, &p->joiners);
  if (p->crew.count == 0 && p->uncounted) count_at_last(L, p);
  return 0;
}

/* --- the submitter's side --- */

/* Starts one more worker of the pool at index i. Raises. */
static void start_worker(lua_State *L, ThreadPool *p, int i) {
  i = lua_absindex(L, i);
  luaL_checkstack(L, 8, NULL);
  lua_createtable(L, 3, 0);
  lua_pushcfunction(L, worker_main);
  lua_rawseti(L, -2, 1);
  lua_pushvalue(L, i);
  lua_rawseti(L, -2, 2);
  WorkerObject *w = object_new(L, &worker_type, 1);
  lua_getiuservalue(L, i, POOL_WORKERS);
  lua_pushvalue(L, -2);
  lua_rawsetp(L, -2, &w->worker);
  lua_pop(L, 1);
  lua_rawseti(L, -2, 3);
  thread_new(L, 3);
  lua_getiuservalue(L, i, POOL_PREFIX);
  lua_pushfstring(L, "%s_%I", lua_tostring(L, -1), (LUAI_UACINT)p->started);
  lua_setiuservalue(L, -3, THREAD_NAME);
  lua_pop(L, 1);
  thread_start(L, -1); /* if it fails the worker stays in POOL_WORKERS, where nobody looks for it */
  lua_pop(L, 1);
  p->started++;
  p->crew.count++;
  p->coming++;
}

/* Sees to it that somebody comes for the newest task. */
static void staff(lua_State *L, Tstate *self, ThreadPool *p, int i) {
  if (p->count <= p->coming) return;
  if (!waitq_empty(&p->idlers)) {
    park_grant(self, p->idlers.tail, false); /* the last to go idle: it may still be awake */
    p->coming++;
    return;
  }
  if (p->crew.count >= p->crew.most) return;
  if (p->crew.count == 0) {
    start_worker(L, p, i);
    return;
  }
  lua_pushcfunction(L, start_protected);
  lua_pushvalue(L, i);
  if (lua_pcall(L, 1, 0, 0) != LUA_OK) lua_pop(L, 1); /* those that are there will do */
}

/* Puts the future on top of the stack, popped, into the ring of the pool at index i. */
static void enqueue(lua_State *L, ThreadPool *p, int i) {
  while (!ring_fits(&p->ring, p->count)) ring_fit(L, &p->ring, i, POOL_RING, &p->count, NULL);
  lua_getiuservalue(L, i, POOL_RING);
  lua_insert(L, -2);
  lua_rawseti(L, -2, ring_slot(&p->ring, p->count++));
  lua_pop(L, 1);
  p->submitted++;
  if (p->count > p->most) p->most = p->count;
}

/* The first worker could not be started: the newest task is taken back, and the error raised. */
static void staff_or_take_back(lua_State *L, ThreadPool *p, int pool) {
  lua_pushcfunction(L, staff_protected);
  lua_pushvalue(L, pool);
  if (lua_pcall(L, 1, 0, 0) == LUA_OK) return;
  lua_getiuservalue(L, pool, POOL_RING);
  lua_pushnil(L);
  lua_rawseti(L, -2, ring_slot(&p->ring, --p->count));
  lua_pop(L, 1);
  p->submitted--;
  lua_error(L);
}

static void submit(lua_State *L, Executor *e, int i, int nargs) {
  ThreadPool *p = ((ThreadExecutor *)e)->pool;
  Tstate *self = park_self(L);
  if (p->pid != e->rt->gil.pid) luaL_error(L, "the threads of this pool did not come along into the forked process");
  if (nargs >= MOST_ARGS) luaL_error(L, "too many arguments to a task");
  i = lua_absindex(L, i);
  Future *f = future_new(L, NULL, NULL, nargs + 1);
  lua_insert(L, -nargs - 2);
  int future = lua_gettop(L) - nargs - 1;
  for (int k = nargs; k >= 0; k--) lua_setiuservalue(L, future, FUTURE_VALUE + k);
  f->nvalues = nargs + 1;
  f->crew = &p->crew;
  lua_getiuservalue(L, i, EXECUTOR_OWN);
  lua_pushvalue(L, future);
  enqueue(L, p, future + 1);
  if (p->crew.count == 0) staff_or_take_back(L, p, future + 1);
  else staff(L, self, p, future + 1);
  lua_settop(L, future);
}

static ThreadPool *pool_of(Executor *e) { return ((ThreadExecutor *)e)->pool; }

static void close_pool(lua_State *L, Executor *e, int i, bool cancel) {
  ThreadPool *p = pool_of(e);
  Tstate *self = park_self(L);
  shut(self, p);
  if (!cancel) return;
  lua_getiuservalue(L, i, EXECUTOR_OWN);
  clear_queue(L, p, -1);
  lua_pop(L, 1);
}

static ParkResult join_pool(lua_State *L, Tstate *ts, Executor *e, int i, int64_t deadline) {
  (void)i;
  ThreadPool *p = pool_of(e);
  if (p->pid != e->rt->gil.pid) return PARK_GRANTED;
  if (ts->worker != NULL && ts->worker->crew == &p->crew) luaL_error(L, "a task cannot wait for the end of its own pool");
  while (p->crew.count > 0) {
    ParkResult result = park(ts, &p->joiners, deadline, "pool", p);
    if (result != PARK_GRANTED && p->crew.count > 0) return result;
  }
  return PARK_GRANTED;
}

/* Pushes a list of the workers of the executor at index i. */
static void push_workers(lua_State *L, const ThreadPool *p, int i) {
  luaL_checkstack(L, 8, NULL);
  lua_newtable(L);
  lua_getiuservalue(L, i, EXECUTOR_OWN);
  lua_getiuservalue(L, -1, POOL_WORKERS);
  lua_Integer n = 0;
  for (const Worker *w = p->crew.workers; w != NULL; w = w->next) {
    lua_rawgetp(L, -1, w);
    lua_rawseti(L, -4, ++n);
  }
  lua_pop(L, 2);
}

/* Running tasks are cancelled at once, as far as anybody can see; their threads get the news when they run again. */
static void terminate(lua_State *L, Executor *e, int i) {
  ThreadPool *p = pool_of(e);
  Tstate *self = park_self(L);
  close_pool(L, e, i, true);
  int top = lua_gettop(L);
  push_workers(L, p, i);
  for (lua_Integer k = 1; lua_rawgeti(L, top + 1, k) != LUA_TNIL; k++) {
    WorkerObject *w = lua_touserdata(L, -1);
    if (lua_getiuservalue(L, -1, 1) != LUA_TNIL && !future_decided(w->task)) {
      if (w->worker.ts != self) request_cancel(L, self, w->worker.ts, 0);
      future_set_cancelled(L, -1);
    }
    lua_settop(L, top + 1);
  }
  lua_settop(L, top);
}

static void collected(Executor *e) {
  ThreadPool *p = pool_of(e);
  if (p == NULL) return;
  p->executor = NULL;
  if (p->pid == e->rt->gil.pid) shut(tstate_self(), p);
}

static void free_executor(Executor *e) {
  ThreadPool *p = pool_of(e);
  if (p == NULL) return;
  p->executor = NULL;
  p->uncounted = p->submitted != p->finished;
}

static void count(Executor *e, PoolCounters *out) {
  if (pool_of(e) != NULL) fill_counters(pool_of(e), out);
}

static void push_worker_counters(lua_State *L, Executor *e, int i) {
  char name[POOL_NAME];
  (void)i;
  lua_newtable(L);
  lua_Integer n = 0;
  for (const Worker *w = pool_of(e)->crew.workers; w != NULL; w = w->next) {
    const WorkerObject *o = object_of_worker(w);
    lua_createtable(L, 0, 3);
    lua_pushstring(L, thread_peek_name(w->ts, name, sizeof name));
    lua_setfield(L, -2, "name");
    lua_pushinteger(L, o->tasks);
    lua_setfield(L, -2, "tasks");
    lua_pushinteger(L, busy_ns(o));
    lua_setfield(L, -2, "busy_ns");
    lua_rawseti(L, -2, ++n);
  }
}

static const Backend thread_backend = {
    .submit = submit,
    .close = close_pool,
    .join = join_pool,
    .terminate = terminate,
    .collected = collected,
    .free = free_executor,
    .count = count,
    .push_workers = push_worker_counters,
};

static void push_prefix(lua_State *L) {
  if (lua_istable(L, 1)) lua_getfield(L, 1, "thread_name_prefix");
  else lua_pushnil(L);
  if (lua_isnil(L, -1)) lua_pushfstring(L, "ThreadPool-%I", (LUAI_UACINT)service_of(L)->pools++);
  else luaL_tolstring(L, -1, NULL);
  lua_remove(L, -2);
}

int thread_executor_new(lua_State *L) {
  static const char what[] = "ThreadPoolExecutor";
  static const char *const fields[] = {"max_workers", "thread_name_prefix", "initializer", "initargs", "show_progress", NULL};
  if (!lua_isnoneornil(L, 1)) luaL_checktype(L, 1, LUA_TTABLE);
  object_check_fields(L, 1, what, fields);
  lua_settop(L, 1);
  int cpus = cpus_usable(), standard = cpus + 4 < 32 ? cpus + 4 : 32;
  int most = executor_option_workers(L, what, "max_workers", standard, MOST_WORKERS);
  int init_args = executor_option_call(L, what); /* at 2 */
  push_prefix(L);                                /* 3 */
  ThreadPool *p = object_new(L, &pool_type, POOL_VALUES); /* 4 */
  p->crew.most = most;
  p->init_args = init_args;
  p->pid = park_self(L)->rt->gil.pid;
  ring_init(L, &p->ring);
  lua_setiuservalue(L, 4, POOL_RING);
  lua_newtable(L);
  lua_setiuservalue(L, 4, POOL_WORKERS);
  lua_pushvalue(L, 2);
  lua_setiuservalue(L, 4, POOL_INIT);
  lua_pushvalue(L, 3);
  lua_setiuservalue(L, 4, POOL_PREFIX);
  Executor *e = executor_new(L, &executor_type, &thread_backend, most, 1);
  ((ThreadExecutor *)e)->pool = p;
  snprintf(p->name, sizeof p->name, "%s", lua_tostring(L, 3));
  p->executor = e;
  lua_pushvalue(L, 4);
  lua_setiuservalue(L, -2, EXECUTOR_OWN);
  return 1;
}

void thread_executor_register(lua_State *L) {
  object_register(L, &pool_type);
  object_register(L, &worker_type);
  object_register(L, &executor_type);
}
