/* The thread behind the futures. The protocol is in service.h. */
#include "pool/futures/service.h"

#include "pool/futures/executor.h"

#include <assert.h>
#include <string.h>

#include "runtime/thread/error.h"
#include "runtime/thread/excepthook.h"
#include "runtime/thread/process.h"
#include "runtime/thread/request.h"
#include "runtime/thread/thread.h"

enum { IDLE_NS = 50000000 }; /* with nothing to do the thread ends after this */

static const char service_key = 0; /* its address names the registry entry */

void service_push(lua_State *L) { lua_rawgetp(L, LUA_REGISTRYINDEX, &service_key); }

FutureService *service_of(lua_State *L) {
  service_push(L);
  FutureService *s = lua_touserdata(L, -1);
  lua_pop(L, 1);
  return s;
}

/* Anchors the future at i, or nothing if i is 0, in place of what f had there. */
static void anchor(lua_State *L, Future *f, int i) {
  if (i != 0) i = lua_absindex(L, i);
  luaL_checkstack(L, 4, NULL);
  service_push(L);
  lua_getiuservalue(L, -1, SERVICE_ANCHORS);
  if (i != 0) lua_pushvalue(L, i);
  else lua_pushnil(L);
  lua_rawsetp(L, -2, f);
  lua_pop(L, 2);
}

static void list_locked(FutureService *s, Future *f) {
  if (f->listed) return;
  f->listed = true;
  f->listed_next = NULL;
  if (s->last != NULL) s->last->listed_next = f;
  else s->first = f;
  s->last = f;
}

void future_notify(Future *f) {
  FutureService *s = f->service;
  pthread_mutex_lock(&s->m);
  list_locked(s, f);
  if (s->ts != NULL) {
    /* release pairs with the acquire of the poke: who sees the bit looks at the list under m anyway */
    atomic_fetch_or_explicit(&s->ts->gil.requests, REQUEST_NOTICE, memory_order_relaxed);
    gil_poke(&s->ts->gil);
  }
  pthread_mutex_unlock(&s->m);
}

void service_add(Tstate *self, Future *f) {
  FutureService *s = f->service;
  pthread_mutex_lock(&s->m);
  list_locked(s, f);
  pthread_mutex_unlock(&s->m);
  park_grant_first(self, &s->parked, false);
}

/* Pushes the next future and takes it off the list; NULL if there is none. */
static Future *pop(lua_State *L, FutureService *s, int anchors) {
  pthread_mutex_lock(&s->m);
  Future *f = s->first;
  if (f != NULL) {
    s->first = f->listed_next;
    if (s->first == NULL) s->last = NULL;
    f->listed = false;
  }
  pthread_mutex_unlock(&s->m);
  if (f != NULL) lua_rawgetp(L, anchors, f);
  return f;
}

/* Calls one callback, on top of the stack, with the future at i; its error goes to the hook of uncaught errors. */
static void call_back(lua_State *L, int i) {
  int handler = lua_gettop(L);
  lua_pushcfunction(L, error_traceback_handler);
  lua_insert(L, handler);
  lua_pushvalue(L, i);
  if (lua_pcall(L, 1, 0, handler) != LUA_OK && tstate_self()->rt->phase < PHASE_CANCELLING && !error_is(L, -1, ERROR_CANCELLED)) {
    thread_push_current(L, tstate_self());
    excepthook_call(L, -1, -2);
  }
  lua_settop(L, handler - 1);
}

/* (future): callbacks may add more */
static int run_callbacks(lua_State *L) {
  lua_getiuservalue(L, 1, FUTURE_CALLBACKS);
  for (lua_Integer k = 1; lua_rawgeti(L, 2, k) != LUA_TNIL; k++) {
    lua_pushboolean(L, false); /* called: a later look finds only new ones */
    lua_rawseti(L, 2, k);
    if (lua_toboolean(L, -1)) call_back(L, 1);
    lua_settop(L, 2);
  }
  return 0;
}

void service_run_callbacks(lua_State *L, int i) {
  const Future *f = lua_touserdata(L, i);
  if (!f->has_callbacks || !lua_checkstack(L, 3)) return;
  i = lua_absindex(L, i);
  lua_pushcfunction(L, run_callbacks);
  lua_pushvalue(L, i);
  if (lua_pcall(L, 1, 0, 0) != LUA_OK) lua_pop(L, 1); /* no memory to call them */
}

/* The future is on top of the stack. */
static void serve(lua_State *L, FutureService *s, Future *f) {
  s->busy = true;
  f->served = true;
  /* a cancel of somebody who found this thread in a list ends the callback that ran, not one that comes later */
  if (s->at_exit.rt->phase < PHASE_CANCELLING) request_drop_cancel(L, tstate_self());
  if (f->watched) {
    f->watched = false;
    s->watched--;
  }
  future_poll(L, -1);
  service_run_callbacks(L, lua_gettop(L));
  anchor(L, f, 0);
  s->busy = false;
}

static void wait_for_work(lua_State *L, Tstate *ts, FutureService *s) {
  int64_t deadline = s->watched > 0 ? clock_deadline(PARK_TIMEOUT_MAX) : clock_ns() + IDLE_NS;
  ParkResult result = park(ts, &s->parked, deadline, "futures to serve", s);
  atomic_fetch_and_explicit(&ts->gil.requests, ~(uint32_t)REQUEST_NOTICE, memory_order_relaxed);
  if (result == PARK_REQUESTED) request_raise(L, ts);
}

static bool has_work(FutureService *s) {
  pthread_mutex_lock(&s->m);
  bool has = s->first != NULL;
  pthread_mutex_unlock(&s->m);
  return has;
}

/* What the thread runs; a cancel, at the end of the program, is raised through it. */
static int service_loop(lua_State *L) {
  Tstate *ts = tstate_self();
  FutureService *s = lua_touserdata(L, 1);
  lua_getiuservalue(L, 1, SERVICE_ANCHORS);
  bool idle = false;
  for (;;) {
    lua_settop(L, 2);
    Future *f = pop(L, s, 2);
    if (f != NULL) {
      serve(L, s, f);
      idle = false;
      continue;
    }
    park_grant_all(ts, &s->drained);
    if (idle && s->watched == 0) return 0;
    idle = s->watched == 0;
    wait_for_work(L, ts, s);
    if (has_work(s)) idle = false;
  }
}

ParkResult service_drain(lua_State *L, Tstate *ts) {
  FutureService *s = service_of(L);
  while (s->ts != NULL && !s->ts->vanished && (s->busy || s->watched > 0 || has_work(s))) {
    ParkResult result = park(ts, &s->drained, CLOCK_NEVER, "callbacks", s);
    if (result != PARK_GRANTED) return result;
  }
  return PARK_GRANTED;
}

static void set_thread(FutureService *s, Tstate *ts) {
  pthread_mutex_lock(&s->m);
  s->ts = ts;
  pthread_mutex_unlock(&s->m);
}

/* The target of the thread: (service) */
static int service_main(lua_State *L) {
  FutureService *s = lua_touserdata(L, 1);
  int status;
  do { /* a cancel of somebody who found this thread in a list ends nothing */
    lua_settop(L, 1);
    lua_pushcfunction(L, service_loop);
    lua_pushvalue(L, 1);
    status = lua_pcall(L, 1, 0, 0);
    s->busy = false;
  } while (status != LUA_OK && s->at_exit.rt->phase < PHASE_CANCELLING);
  park_grant_all(tstate_self(), &s->drained);
  set_thread(s, NULL);
  return status == LUA_OK ? 0 : lua_error(L);
}

static void start_thread(lua_State *L, FutureService *s) {
  luaL_checkstack(L, 6, NULL);
  lua_createtable(L, 2, 0);
  lua_pushcfunction(L, service_main);
  lua_rawseti(L, -2, 1);
  service_push(L);
  lua_rawseti(L, -2, 2);
  Thread *t = thread_new(L, 2);
  t->daemon = true;
  lua_pushliteral(L, "gilua futures");
  lua_setiuservalue(L, -2, THREAD_NAME);
  thread_start(L, -1);
  set_thread(s, t->ts);
  lua_pop(L, 1);
}

void service_prepare(lua_State *L, int i) {
  FutureService *s = service_alive(L);
  Future *f = lua_touserdata(L, i);
  f->service = s;
  anchor(L, f, i);
  if (s->ts != NULL && s->ts->vanished) { /* in a forked child: nothing of it is left */
    set_thread(s, NULL);
    s->busy = false;
  }
  if (s->ts == NULL) start_thread(L, s);
}

FutureService *service_alive(lua_State *L) {
  FutureService *s = service_of(L);
  if (s->at_exit.rt != NULL) return s;
  runtime_add_exit(L, &s->at_exit);
  process_add_fork_lock(s->at_exit.rt, &s->fork_lock);
  return s;
}

void service_detach(FutureService *s) {
  process_remove_fork_lock(s->at_exit.rt, &s->fork_lock);
  set_thread(s, NULL);
  s->busy = s->ending = false;
}

static int service_gc(lua_State *L) {
  FutureService *s = lua_touserdata(L, 1);
  if (s->at_exit.rt != NULL) process_remove_fork_lock(s->at_exit.rt, &s->fork_lock);
  pthread_mutex_destroy(&s->m);
  return 0;
}

static void push_weak_table(lua_State *L) {
  lua_newtable(L);
  lua_createtable(L, 0, 1);
  lua_pushliteral(L, "v");
  lua_setfield(L, -2, "__mode");
  lua_setmetatable(L, -2);
}

void service_open(lua_State *L) {
  FutureService *s = lua_newuserdatauv(L, sizeof *s, SERVICE_EXECUTORS);
  memset(s, 0, sizeof *s);
  pthread_mutex_init(&s->m, NULL);
  s->fork_lock.m = &s->m;
  s->at_exit.run = executors_at_exit;
  s->at_exit.detach = executors_detach;
  lua_newtable(L);
  lua_setiuservalue(L, -2, SERVICE_ANCHORS);
  push_weak_table(L);
  lua_setiuservalue(L, -2, SERVICE_EXECUTORS);
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, service_gc);
  lua_setfield(L, -2, "__gc");
  lua_setmetatable(L, -2);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &service_key);
  service_alive(L);
}
