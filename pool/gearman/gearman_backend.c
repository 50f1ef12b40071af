/* The back end of GearmanExecutor: tasks as bytes to a client of job servers, and what came of them into futures. */
#include "pool/gearman/gearman_backend.h"

#include <lauxlib.h>
#include <stdio.h>
#include <string.h>

#include "pool/futures/chunk.h"
#include "pool/futures/service.h"
#include "pool/gearman/client_wait.h"
#include "pool/gearman/clients.h"
#include "pool/gearman/result_load.h"
#include "pool/gearman/task_dump.h"
#include "runtime/state/error.h"
#include "runtime/trace/recorder.h"

static void check_own(lua_State *L, const JobClient *c) {
  if (client_foreign(c)) error_raise_state(L, "foreign", "this executor belongs to the process that made it");
}

/* Futures */

static Job *job_of(Future *f) { return f->task; }

static bool source_ready(Future *f) { return job_decided(job_of(f)); }

static ParkResult source_wait(lua_State *L, Tstate *ts, Future *f, int64_t deadline) {
  check_own(L, job_of(f)->client);
  return client_wait_job(ts, f->task, deadline);
}

/* Only the server knows; whatever is not decided can be cancelled. */
static bool source_running(Future *f) { return !client_foreign(job_of(f)->client) && client_running(f->task); }

static bool source_cancel(lua_State *L, Future *f, int i) {
  (void)i;
  check_own(L, job_of(f)->client);
  return client_cancel(f->task);
}

static void source_watch(lua_State *L, Future *f, int i) {
  (void)L, (void)i;
  if (!client_foreign(job_of(f)->client)) client_watch(f->task, f);
}

void gearman_backend_notify(Job *j) { future_notify(j->watcher); }

static void source_drop(Future *f, bool unwanted) {
  Job *j = f->task;
  if (j == NULL) return;
  f->task = NULL;
  if (client_foreign(j->client)) return;
  if (unwanted && !job_decided(j)) client_cancel(j);
  client_drop_job(j);
}

/* Shows a task that is over on a row of the process that did it. */
static void trace_over(lua_State *L, const Job *j) {
  Runtime *rt = runtime_of(L);
  Envelope e;
  char row[ENVELOPE_MOST_NAME + 40];
  if (rt == NULL || rt->recorder == NULL || j->began_ns == 0) return;
  if (envelope_read_result(j->result.bytes, j->result.size, &e) != 0) return;
  snprintf(row, sizeof row, "worker %.*s process %u", (int)e.name.size, (const char *)e.name.bytes, (unsigned)e.pid);
  uint32_t track = clients_track(L, rt, row);
  trace_event(rt, track, j->name, j->began_ns, j->ended_ns);
}

static FutureState source_load(lua_State *L, Future *f) {
  trace_over(L, f->task);
  return result_load(L, f->task);
}

static const FutureSource gearman_source = {.ready = source_ready,
                                            .wait = source_wait,
                                            .load = source_load,
                                            .running = source_running,
                                            .cancel = source_cancel,
                                            .watch = source_watch,
                                            .drop = source_drop};

/* The back end */

/* NULL while the constructor is not through, and in a process that was forked. */
static JobClient *client_of(const Executor *e) {
  JobClient *c = ((const GearmanExecutor *)e)->client;
  return c == NULL || client_foreign(c) ? NULL : c;
}

static void raise_if_broken(lua_State *L, JobClient *c, int i) {
  if (!client_is_broken(c)) return;
  lua_pushfstring(L, "no job server can be reached: %s", c->why);
  lua_pushnil(L);
  executor_push_why(L);
  lua_pushvalue(L, -1);
  executor_break(L, i);
  executor_raise_broken(L, -1);
}

static uint32_t name_for_recording(lua_State *L, Runtime *rt, int function) {
  return lua_isfunction(L, function) ? trace_function(L, rt, function) : trace_name(rt, lua_tostring(L, function));
}

/* (executor at i) … function, arguments -> Future */
static void gearman_submit(lua_State *L, Executor *e, int i, int nargs) {
  JobClient *c = ((GearmanExecutor *)e)->client;
  int first = lua_gettop(L) - nargs;
  char unique[JOB_UNIQUE];
  Tstate *ts = park_self(L);
  check_own(L, c);
  raise_if_broken(L, c, i);
  park_check(L, ts, client_wait_room(ts, c, CLOCK_NEVER));
  uint64_t number = client_number(c);
  bool chunk = lua_tocfunction(L, first) == chunk_run;
  uint32_t name = 0;
  if (e->rt->recorder != NULL) name = name_for_recording(L, e->rt, chunk ? first + 1 : first);
  Future *f = future_new(L, &gearman_source, NULL, FUTURE_LEAST_SLOTS);
  lua_insert(L, first);
  first++;
  lua_pushvalue(L, i); /* the executor is not collected before its futures */
  lua_setiuservalue(L, first - 1, FUTURE_VALUE);
  Payload *payload = task_dump(L, ts, c, first, nargs, number, unique);
  bool open = e->state == EXECUTOR_OPEN; /* it may have been shut down while this thread waited, or ran a __reduce */
  Job *j = open ? f->task = client_submit(c, unique, number, payload) : NULL;
  if (j != NULL) {
    j->name = name;
  } else {
    payload_drop(payload);
    executor_check_open(L, i);
    luaL_error(L, "not enough memory");
  }
  lua_settop(L, first - 1);
}

static void gearman_close(lua_State *L, Executor *e, int i, bool cancel) {
  (void)L, (void)i;
  if (client_of(e) != NULL) client_close(client_of(e), cancel);
}

static ParkResult gearman_join(lua_State *L, Tstate *ts, Executor *e, int64_t deadline) {
  (void)L;
  return client_of(e) == NULL ? PARK_GRANTED : client_wait_ended(ts, client_of(e), deadline);
}

static void gearman_terminate(lua_State *L, Executor *e, int i) {
  (void)L, (void)i;
  if (client_of(e) != NULL) client_terminate(client_of(e));
}

static void gearman_collected(Executor *e) {
  if (client_of(e) != NULL) client_close(client_of(e), false);
}

static void gearman_free(Executor *e) {
  GearmanExecutor *g = (GearmanExecutor *)e;
  JobClient *c = g->client;
  g->client = NULL;
  if (c != NULL && !client_foreign(c)) clients_let_go(e->rt->spare, c); /* a copy in a forked child stays as it is */
}

static void gearman_count(Executor *e, PoolCounters *out) {
  JobClient *c = client_of(e);
  if (c != NULL && c->name[0] != '\0') clients_count(c, out);
}

/* One entry for each server: what its workers did for this executor. */
static void gearman_push_workers(lua_State *L, Executor *e) {
  JobClient *c = client_of(e);
  lua_newtable(L);
  for (unsigned k = 0; c != NULL && k < c->nservers; k++) {
    pthread_mutex_lock(&c->m);
    lua_Integer tasks = (lua_Integer)c->servers[k].done, busy = c->servers[k].busy_ns;
    pthread_mutex_unlock(&c->m);
    lua_createtable(L, 0, 3);
    lua_pushfstring(L, "%s:%s", c->servers[k].host, c->servers[k].port);
    lua_setfield(L, -2, "name");
    lua_pushinteger(L, tasks);
    lua_setfield(L, -2, "tasks");
    lua_pushinteger(L, busy);
    lua_setfield(L, -2, "busy_ns");
    lua_rawseti(L, -2, (lua_Integer)k + 1);
  }
}

const Backend gearman_backend = {.size = sizeof(GearmanExecutor),
                                 .submit = gearman_submit,
                                 .close = gearman_close,
                                 .join = gearman_join,
                                 .terminate = gearman_terminate,
                                 .collected = gearman_collected,
                                 .free = gearman_free,
                                 .count = gearman_count,
                                 .push_workers = gearman_push_workers,
                                 .names = true,
                                 .chunks = true};
