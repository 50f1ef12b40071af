/* Running tasks on threads. */
#include "pool/futures/thread_worker.h"

#include <string.h>

#include "pool/futures/chunk.h"
#include "pool/futures/registry.h"
#include "runtime/state/error.h"
#include "runtime/state/finalizer.h"
#include "runtime/state/order.h"
#include "runtime/state/request.h"
#include "runtime/thread/thread.h"
#include "runtime/trace/recorder.h"

static const luaL_Reg no_methods[] = {{NULL, NULL}};
static const ObjectType worker_type = {
    .name = "gilua.PoolWorker", .size = sizeof(WorkerObject), .methods = no_methods};

/* --- the worker's side: (pool, worker) at 1 and 2 --- */

enum { AT_POOL = 1, AT_WORKER, AT_TASK };

int64_t worker_busy_ns(const WorkerObject *w) {
  return w->busy_ns + (w->busy_since != 0 ? clock_ns() - w->busy_since : 0);
}

static void note_idle(WorkerObject *w) {
  w->busy_ns = worker_busy_ns(w);
  w->busy_since = 0;
}

/* Waits for a task and pushes it; false: the worker may go. A request is raised. */
static bool next_task(lua_State *L, Tstate *ts, ThreadPool *p, WorkerObject *w) {
  if (p->pid != ts->rt->gil.pid) return false; /* its task has forked: what is queued is the parent's */
  for (;;) {
    if (request_pending(ts)) request_raise(L, ts);
    while (p->count > 0) {
      if (future_set_running(thread_pool_take(L, p, AT_POOL))) {
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

/* Runs the task at AT_TASK. A cancel of this thread amid it is the task's own: it ends with that. */
static void run_task(lua_State *L, Tstate *ts, Future *f) {
  int nargs = f->nvalues - 1;
  f->runner = ts->ident;
  luaL_checkstack(L, nargs + 8, "too many arguments");
  for (int k = 0; k <= nargs; k++) lua_getiuservalue(L, AT_TASK, FUTURE_VALUE + k);
  CallResult result = call_user(L, nargs, LUA_MULTRET);
  if (future_decided(f)) return; /* terminated */
  if (result == CALL_OK) {
    future_set_values(L, AT_TASK, lua_gettop(L) - AT_TASK);
    return;
  }
  if (result == CALL_REQUESTED) error_push_traceback(L, -1);
  if (!future_decided(f)) future_set_error(L, AT_TASK); /* nor by a finalizer meanwhile */
}

/* (pool, worker) */
static int work(lua_State *L) {
  ThreadPool *p = lua_touserdata(L, AT_POOL);
  WorkerObject *w = lua_touserdata(L, AT_WORKER);
  Tstate *ts = tstate_self();
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
    lua_settop(L, AT_WORKER);
    lua_pushnil(L);
    lua_setiuservalue(L, AT_WORKER, 1);
    /* a task that is one C function has no point of its own where it could leave */
    if ((atomic_load_explicit(&ts->gil.requests, memory_order_relaxed) & REQUEST_SWITCH) != 0) lock_yield(ts);
  }
  return 0;
}

/* Calls the initializer; false: it failed, and the pool is broken. */
static bool initialize(lua_State *L, Tstate *ts, ThreadPool *p, WorkerObject *w) {
  if (lua_getiuservalue(L, AT_POOL, POOL_INIT) == LUA_TNIL) return true;
  int call = lua_gettop(L);
  luaL_checkstack(L, p->init_args + 8, "too many arguments");
  for (int k = 1; k <= p->init_args + 1; k++) lua_rawgeti(L, call, k);
  w->initializing = true;
  CallResult result = call_user(L, p->init_args, 0);
  w->initializing = false;
  if (result == CALL_OK) return true;
  if (result == CALL_REQUESTED) lua_error(L); /* this worker ends, and another takes its place */
  executor_push_why(L);
  if (!p->broken) thread_pool_break(L, ts, p, AT_POOL);
  return false;
}

/* (pool, worker): all that may raise */
static int work_protected(lua_State *L) {
  ThreadPool *p = lua_touserdata(L, AT_POOL);
  if (p->shut && p->count == 0) return 0; /* it came too late */
  if (!initialize(L, tstate_self(), p, lua_touserdata(L, AT_WORKER))) return 0;
  lua_settop(L, AT_WORKER);
  return work(L);
}

static int staff_protected(lua_State *L) {
  worker_staff(L, tstate_self(), lua_touserdata(L, 1), 1);
  return 0;
}

static int push_traceback(lua_State *L) {
  error_push_traceback(L, 1);
  return 1;
}

/* A worker was cancelled or has no memory: its task gets the error, on top of the stack, and another takes its place. Raises
 * nothing. */
static void succeed(lua_State *L, ThreadPool *p, WorkerObject *w) {
  if (w->task != NULL && !future_decided(w->task)) {
    lua_getiuservalue(L, AT_WORKER, 1);
    lua_pushvalue(L, -2);
    lua_pushcfunction(L, push_traceback);
    lua_pushvalue(L, -2);
    if (lua_pcall(L, 1, 1, 0) != LUA_OK) { /* without one, then */
      lua_pop(L, 1);
      lua_pushnil(L);
    }
    if (!future_decided(w->task)) future_set_error(L, -3); /* nor by a finalizer meanwhile */
  }
  if (p->count == 0 || (p->shut && p->workers.count > 0)) return;
  lua_pushcfunction(L, staff_protected); /* it may have been on its way to a task */
  lua_pushvalue(L, AT_POOL);
  if (lua_pcall(L, 1, 0, 0) != LUA_OK && p->workers.count == 0) thread_pool_clear(L, p, AT_POOL);
}

void worker_count(const ThreadPool *p, PoolCounters *out) {
  *out = (PoolCounters){.kind = "threads",
                        .max_workers = p->workers.most,
                        .workers = p->workers.count,
                        .submitted = (uint64_t)p->submitted,
                        .finished = (uint64_t)p->finished,
                        .queued = (uint64_t)p->count,
                        .most_queued = (uint64_t)p->most,
                        .busy_ns = p->busy_ns};
  memcpy(out->name, p->name, sizeof out->name);
  for (const Worker *w = p->workers.first; w != NULL; w = w->next) out->busy_ns += worker_busy_ns(worker_object(w));
}

static void count_at_last(lua_State *L, ThreadPool *p) {
  PoolCounters c;
  p->uncounted = false;
  worker_count(p, &c);
  counters_keep(&registry_of(L)->ended_pools, &c);
}

/* What a worker thread runs: (pool, worker). The pool counts on its end, whatever becomes of it. */
static int worker_main(lua_State *L, Tstate *ts) {
  ThreadPool *p = lua_touserdata(L, AT_POOL);
  WorkerObject *w = lua_touserdata(L, AT_WORKER);
  workers_enter(&p->workers, &w->worker, ts);
  if (!p->shut) p->coming--;
  lua_pushcfunction(L, work_protected);
  lua_pushvalue(L, AT_POOL);
  lua_pushvalue(L, AT_WORKER);
  int status = lua_pcall(L, 2, 0, 0);
  workers_leave(&w->worker);
  order_meet(ts, &p->joiners); /* so the last one ends behind all */
  p->workers.count--;
  p->busy_ns += worker_busy_ns(w);
  if (w->task != NULL) p->finished++; /* cancelled in it */
  if (status != LUA_OK) succeed(L, p, w);
  lua_getiuservalue(L, AT_POOL, POOL_WORKERS);
  lua_pushnil(L);
  lua_rawsetp(L, -2, &w->worker);
  if (p->workers.count == 0) park_grant_all(ts, &p->joiners);
  if (p->workers.count == 0 && p->uncounted) count_at_last(L, p);
  return LUA_OK;
}

/* --- the submitter's side --- */

/* (pool): starts one more worker; raises */
static int start_worker(lua_State *L) {
  ThreadPool *p = lua_touserdata(L, 1);
  lua_createtable(L, 3, 0);
  lua_pushboolean(L, false);
  lua_rawseti(L, -2, 1);
  lua_pushvalue(L, 1);
  lua_rawseti(L, -2, 2);
  WorkerObject *w = object_new(L, &worker_type, 1);
  lua_getiuservalue(L, 1, POOL_WORKERS);
  lua_pushvalue(L, -2);
  lua_rawsetp(L, -2, &w->worker);
  lua_pop(L, 1);
  lua_rawseti(L, -2, 3);
  thread_new(L, 3)->main = worker_main;
  lua_getiuservalue(L, 1, POOL_PREFIX);
  lua_pushfstring(L, "%s_%I", lua_tostring(L, -1), (LUAI_UACINT)p->started++);
  lua_setiuservalue(L, -3, THREAD_NAME);
  lua_pop(L, 1);
  thread_start(L, -1); /* if it fails the worker stays in POOL_WORKERS, where nobody looks for it */
  return 0;
}

/* The worker counts before it is made: a finalizer that submits meanwhile must not start one too many. */
void worker_staff(lua_State *L, Tstate *self, ThreadPool *p, int i) {
  if (p->count <= p->coming) return;
  if (!waitq_empty(&p->idlers)) {
    park_grant(self, p->idlers.tail, false); /* the last to go idle: it may still be awake */
    p->coming++;
    return;
  }
  if (p->workers.count >= p->workers.most) return;
  luaL_checkstack(L, 4, NULL);
  i = lua_absindex(L, i);
  p->workers.count++;
  p->coming++;
  lua_pushcfunction(L, start_worker);
  lua_pushvalue(L, i);
  if (lua_pcall(L, 1, 0, 0) == LUA_OK) return;
  p->workers.count--;
  if (!p->shut) p->coming--;
  if (p->workers.count == 0) lua_error(L);
  lua_pop(L, 1); /* those that are there will do */
}

void worker_push_list(lua_State *L, const ThreadPool *p, int i) {
  i = lua_absindex(L, i);
  luaL_checkstack(L, 8, NULL);
  lua_newtable(L);
  lua_getiuservalue(L, i, POOL_WORKERS);
  lua_Integer n = 0;
  for (const Worker *w = p->workers.first; w != NULL; w = w->next) {
    lua_rawgetp(L, -1, w);
    lua_rawseti(L, -3, ++n);
  }
  lua_pop(L, 1);
}
