/* The back end of ProcessPoolExecutor: tasks as bytes to an engine, and what came of them into futures. */
#include "pool/process/process_backend.h"

#include <lauxlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "pool/futures/chunk.h"
#include "pool/futures/service.h"
#include "pool/process/cancel.h"
#include "pool/process/engines.h"
#include "pool/process/explain.h"
#include "pool/process/task_error.h"
#include "pool/process/tasks.h"
#include "pool/process/wait.h"
#include "runtime/state/error.h"
#include "runtime/state/options.h"
#include "runtime/trace/recorder.h"

static void check_own(lua_State *L, const Engine *engine) {
  if (engine_foreign(engine))
    error_raise_state(L, "foreign", "this process pool belongs to the process that made it");
}

/* Futures */

static Task *task_of(Future *f) { return f->task; }

static bool source_ready(Future *f) { return task_decided(task_of(f)); }

static ParkResult source_wait(lua_State *L, Tstate *ts, Future *f, int64_t deadline) {
  check_own(L, task_of(f)->engine);
  return engine_wait_task(ts, f->task, deadline);
}

static bool source_running(Future *f) { return !engine_foreign(task_of(f)->engine) && engine_running(f->task); }

static bool source_cancel(lua_State *L, Future *f, int i) {
  (void)i;
  check_own(L, task_of(f)->engine);
  return engine_cancel(f->task);
}

static void source_watch(lua_State *L, Future *f, int i) {
  (void)L, (void)i;
  if (!engine_foreign(task_of(f)->engine)) engine_watch(f->task, f);
}

void process_backend_notify(Task *t) { future_notify(t->watcher); }

/* Shows a task that is over on the row of its worker. */
static void trace_over(const Task *t) {
  Engine *e = t->engine;
  uint32_t *track = &e->shown.tracks[t->place];
  int64_t now = clock_ns();
  char name[POOL_NAME + 32];
  if (!task_decided(t) || t->began_ns <= 0 || t->began_ns > now) return;
  if (!trace_track_current(e->rt, *track)) {
    snprintf(name, sizeof name, "%s worker %u", e->shown.name, t->place + 1);
    *track = trace_track(e->rt, name);
  }
  trace_event(e->rt, *track, t->name, t->began_ns, t->ended_ns < now ? t->ended_ns : now);
}

static void let_go(lua_State *L, Future *f) {
  Task *t = f->task;
  Engine *e = t->engine;
  f->task = NULL;
  if (engine_foreign(e)) return;
  if (e->life->rt == e->rt && e->rt->recorder != NULL) trace_over(t);
  engine_drop_task(t);
  engine_bury(L, e);
}

static void source_drop(Future *f, bool unwanted) {
  Task *t = f->task;
  if (t == NULL) return;
  if (unwanted && !task_decided(t) && !source_running(f) && !engine_foreign(t->engine)) engine_cancel(t);
  let_go(t->engine->spare, f);
}

static void push_worker_died(lua_State *L, const Task *t) {
  if (t->failure == FAILURE_PROTOCOL) {
    error_push(L, ERROR_WORKER_DIED, "worker %d wrote what is no result, and was killed", t->pid);
    lua_pushliteral(L, "protocol");
    lua_setfield(L, -2, "cause");
    task_error_set_integer(L, "pid", t->pid);
  } else {
    lua_pushfstring(L, "worker %d", t->pid);
    task_error_push_died(L, t->pid, t->status);
  }
  task_error_set_integer(L, "task", (lua_Integer)t->id);
}

/* The error of the initializer and its traceback. */
static int load_cause(lua_State *L) {
  const Task *cause = lua_touserdata(L, 1);
  pickle_load(L, cause->bytes, cause->result.size, cause->engine->link, PICKLE_RESULT_FLAGS, LUA_NOREF);
  lua_settop(L, 3);
  return 2;
}

/* Pushes the cause of what broke the engine, and its traceback or nil; where the error of the initializer cannot be read, why. */
static void push_cause(lua_State *L, Engine *e) {
  if (e->broken.cause == NULL && e->broken.error == 0) {
    int status = e->broken.status;
    lua_pushfstring(L, "workers end before they begin a task (%s %d)", WIFSIGNALED(status) ? "signal" : "exit status",
                    WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
  } else if (e->broken.cause == NULL) {
    lua_pushfstring(L, "cannot start workers: %s", strerror(e->broken.error));
  } else if (e->broken.cause->bytes == NULL) {
    push_worker_died(L, e->broken.cause);
  } else {
    lua_pushcfunction(L, load_cause);
    lua_pushlightuserdata(L, e->broken.cause);
    if (lua_pcall(L, 1, 2, 0) == LUA_OK) return;
  }
  lua_pushnil(L);
}

static void push_why(lua_State *L, Engine *e) {
  push_cause(L, e);
  executor_push_why(L);
}

static void push_failure(lua_State *L, const Task *t) {
  switch (t->failure) {
    case FAILURE_TIMEOUT:
      task_error_push_timeout(L, t->engine->options.task_timeout_ns, "its worker was replaced");
      break;
    case FAILURE_BROKEN:
      push_why(L, t->engine);
      executor_push_broken(L, -1);
      lua_remove(L, -2);
      break;
    case FAILURE_MEMORY: lua_pushliteral(L, "not enough memory for the result of a task"); break;
    default: push_worker_died(L, t);
  }
}

static FutureState source_load(lua_State *L, Future *f) {
  const Task *t = f->task;
  switch (atomic_load_explicit(&t->state, memory_order_acquire)) {
    case TASK_CANCELLED: return FUTURE_CANCELLED;
    case TASK_FAILED:
      push_failure(L, t);
      error_push_traceback(L, -1);
      return FUTURE_FAILED;
    default: {
      int n = pickle_load(L, t->bytes, t->result.size, t->engine->link, PICKLE_RESULT_FLAGS, t->message.origins);
      if (t->result.kind == RECORD_VALUES) return FUTURE_DONE;
      if (n > 0) explain_error(L, -n);
      lua_settop(L, lua_gettop(L) - n + 2);
      return FUTURE_FAILED;
    }
  }
}

static const FutureSource process_source = {.ready = source_ready,
                                            .wait = source_wait,
                                            .load = source_load,
                                            .running = source_running,
                                            .cancel = source_cancel,
                                            .watch = source_watch,
                                            .drop = source_drop};

/* The back end */

/* NULL while the constructor is not through, and in a process that was forked. */
Engine *process_backend_engine(const Executor *e) {
  Engine *engine = ((const ProcessExecutor *)e)->engine;
  return engine == NULL || engine_foreign(engine) ? NULL : engine;
}

static void raise_if_broken(lua_State *L, Engine *engine, int i) {
  if (!engine_broken(engine)) return;
  push_why(L, engine);
  lua_pushvalue(L, -1);
  executor_break(L, i);
  executor_raise_broken(L, -1);
}

/* (executor at i) … function, arguments -> Future */
static void process_submit(lua_State *L, Executor *e, int i, int nargs) {
  Engine *engine = ((ProcessExecutor *)e)->engine;
  int first = lua_gettop(L) - nargs;
  Tstate *ts = park_self(L);
  PickleMessage message = {0};
  check_own(L, engine);
  raise_if_broken(L, engine, i);
  Future *f = future_new(L, &process_source, NULL, FUTURE_LEAST_SLOTS);
  lua_pushvalue(L, i); /* the pool is not collected before its futures */
  lua_setiuservalue(L, -2, FUTURE_VALUE);
  bool chunk = lua_tocfunction(L, first) == chunk_run;
  PickleRoot root = !chunk ? PICKLE_TASK : lua_toboolean(L, first + CHUNK_SPREAD) ? PICKLE_SPREAD : PICKLE_CHUNK;
  pickle_dump(L, first, nargs + 1, root, ((ProcessExecutor *)e)->link, &message);
  uint32_t name = 0;
  if (e->rt->recorder != NULL) name = trace_function(L, e->rt, chunk ? first + 1 : first);
  ParkResult room = engine_wait_room(ts, engine, CLOCK_NEVER); /* last: a __reduce may leave the lock */
  if (room != PARK_GRANTED) {
    pickle_message_free(L, &message);
    park_check(L, ts, room);
  }
  bool open = e->state == EXECUTOR_OPEN; /* it may have been shut down while this thread waited, or ran a __reduce */
  Task *t = open ? f->task = engine_submit(L, engine, &message) : NULL;
  if (t != NULL) {
    t->name = name;
  } else {
    pickle_message_free(L, &message);
    executor_check_open(L, i);
    luaL_error(L, "not enough memory");
  }
  lua_replace(L, first);
  lua_settop(L, first);
}

static void process_close(lua_State *L, Executor *e, int i, bool cancel) {
  Engine *engine = process_backend_engine(e);
  (void)L, (void)i;
  if (engine == NULL) return;
  if (cancel) engine_cancel_queued(engine);
  engine_close(engine);
}

static ParkResult process_join(lua_State *L, Tstate *ts, Executor *e, int64_t deadline) {
  (void)L;
  return process_backend_engine(e) == NULL ? PARK_GRANTED : engine_wait_ended(ts, process_backend_engine(e), deadline);
}

static void process_terminate(lua_State *L, Executor *e, int i) {
  (void)L, (void)i;
  if (process_backend_engine(e) != NULL) engine_terminate(process_backend_engine(e));
}

static void process_collected(Executor *e) {
  Engine *engine = process_backend_engine(e);
  if (engine != NULL) engine_close(engine);
}

static void process_free(Executor *e) {
  ProcessExecutor *p = (ProcessExecutor *)e;
  lua_State *L = e->rt->spare;
  if (p->engine != NULL && !engine_foreign(p->engine)) {
    PoolCounters c;
    engine_count(p->engine, &c);
    p->engine->shown.uncounted = c.submitted != c.finished;
    engines_let_go(L, p->engine);
  }
  if (p->engine == NULL) pickle_link_free(L, p->link); /* else it is the engine's, or of a worker that lives by it */
  p->engine = NULL;
  p->link = NULL;
}

static void process_count(Executor *e, PoolCounters *out) {
  Engine *engine = process_backend_engine(e);
  if (engine != NULL) engine_count(engine, out);
}

/* One entry for each place in which there was a worker. */
static void process_push_workers(lua_State *L, Executor *e) {
  Engine *engine = process_backend_engine(e);
  lua_newtable(L);
  if (engine == NULL) return;
  for (unsigned k = 0, n = 0; k < engine->options.max_workers; k++) {
    int64_t now = clock_ns();
    pthread_mutex_lock(&engine->m);
    pid_t pid = engine->workers[k].pid;
    lua_Integer tasks = (lua_Integer)engine->shown.counts[k].tasks, busy = engine_busy_ns(engine, k, now);
    pthread_mutex_unlock(&engine->m);
    if (pid == 0) continue;
    lua_createtable(L, 0, 3);
    task_error_set_integer(L, "pid", pid);
    task_error_set_integer(L, "tasks", tasks);
    task_error_set_integer(L, "busy_ns", busy);
    lua_rawseti(L, -2, (lua_Integer)++n);
  }
}

const Backend process_backend = {.size = sizeof(ProcessExecutor),
                                        .submit = process_submit,
                                        .close = process_close,
                                        .join = process_join,
                                        .terminate = process_terminate,
                                        .collected = process_collected,
                                        .free = process_free,
                                        .count = process_count,
                                        .push_workers = process_push_workers,
                                        .chunks = true};
