/* The thread behind the futures. The protocol is in service.h. */
#include "pool/futures/service.h"

#include <assert.h>
#include <string.h>

#include "runtime/state/error.h"
#include "runtime/state/order.h"
#include "runtime/thread/excepthook.h"
#include "runtime/state/at_fork.h"
#include "runtime/state/request.h"
#include "runtime/thread/thread.h"

enum { SERVICE_ANCHORS = 1 }; /* user value: the futures that it knows, by address */

enum { IDLE_NS = 50000000 }; /* with nothing to do the thread ends after this */

static const char service_key = 0; /* its address names the registry entry */

static void push_service(lua_State *L) { lua_rawgetp(L, LUA_REGISTRYINDEX, &service_key); }

static FutureService *service_of(lua_State *L) {
  push_service(L);
  FutureService *s = lua_touserdata(L, -1);
  lua_pop(L, 1);
  return s;
}

/* Anchors the future at i, or nothing if i is 0, in place of what f had there. */
static void anchor(lua_State *L, Future *f, int i) {
  if (i != 0) i = lua_absindex(L, i);
  luaL_checkstack(L, 4, NULL);
  push_service(L);
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

/* Lists f, prepared. With the lock. */
static void list(Tstate *self, Future *f) {
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

/* Calls one callback, on top of the stack, with the future at 1; its error goes to the hook of uncaught errors. */
static void call_back(lua_State *L) {
  int callback = lua_gettop(L);
  lua_pushvalue(L, 1);
  CallResult result = call_user(L, 1, 0);
  if (result == CALL_REQUESTED) lua_error(L);
  Tstate *self = running_self(L); /* NULL: the runtime has gone, and with it whoever could be told */
  if (result == CALL_FAILED && self != NULL && self->rt->phase < PHASE_CANCELLING &&
      !error_is(L, callback, ERROR_CANCELLED)) {
    thread_push_current(L, self);
    excepthook_call(L, -1, callback);
  }
  lua_settop(L, callback - 1);
}

/* (future, in the service): callbacks may add more */
static int run_callbacks(lua_State *L) {
  bool in_service = lua_toboolean(L, 2);
  lua_settop(L, 1);
  if (lua_getiuservalue(L, 1, FUTURE_CALLBACKS) == LUA_TNIL) return 0;
  for (lua_Integer k = 1; lua_rawgeti(L, 2, k) != LUA_TNIL; k++) {
    lua_pushboolean(L, false); /* called: a later look finds only new ones */
    lua_rawseti(L, 2, k);
    /* a cancel of somebody who found this thread in a list ends the callback that ran, not one that comes later */
    if (in_service && tstate_self()->rt->phase < PHASE_CANCELLING) request_drop_cancel(L, tstate_self());
    if (lua_toboolean(L, -1)) call_back(L);
    lua_settop(L, 2);
  }
  return 0;
}

/* Calls the callbacks of the decided future at i, but for those that were called; false: a request came in one, its error is
 * on top of the stack. */
static bool call_callbacks(lua_State *L, int i, bool in_service) {
  if (!lua_checkstack(L, 4)) return true;
  lua_pushvalue(L, i);
  lua_pushcfunction(L, run_callbacks);
  lua_insert(L, -2);
  lua_pushboolean(L, in_service);
  if (lua_pcall(L, 2, 0, 0) == LUA_OK) return true;
  if (error_is_request(L, -1)) return false;
  lua_pop(L, 1); /* no memory to call them */
  return true;
}

static void note_watched(FutureService *s, Future *f) {
  f->serving = SERVING_WATCHED;
  s->watched++;
}

/* The future is on top of the stack. */
static void serve(lua_State *L, FutureService *s, Future *f) {
  int i = lua_gettop(L);
  s->busy = true;
  if (f->serving == SERVING_WATCHED) s->watched--;
  f->serving = SERVING_OVER;
  bool requested = future_ask(L, i) == CALL_REQUESTED;
  if (!future_decided(f)) {
    note_watched(s, f); /* another thread is settling it, and tells; or this one has to again */
    if (requested) list(tstate_self(), f);
  }
  if (requested) lua_error(L);
  if (future_decided(f)) {
    order_acquire(tstate_self(), f);
    while (!call_callbacks(L, i, true)) {
      if (s->at_exit.rt->phase >= PHASE_CANCELLING) lua_error(L);
      lua_pop(L, 1);
    }
    anchor(L, f, 0);
  }
  s->busy = false;
}

static void wait_for_work(lua_State *L, Tstate *ts, FutureService *s) {
  int64_t deadline = s->watched > 0 ? park_deadline(PARK_TIMEOUT_MAX) : gil_now(&ts->rt->gil) + IDLE_NS;
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
    s->starved = false;
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
  while (s->ts != NULL && !s->ts->vanished && !s->starved && (s->busy || s->watched > 0 || has_work(s))) {
    ParkResult result = park(ts, &s->drained, CLOCK_NEVER, "callbacks", s);
    if (result != PARK_GRANTED) return result;
  }
  return PARK_GRANTED;
}

void service_disown(lua_State *L) {
  FutureService *s = service_of(L);
  if (s == NULL) return;
  s->busy = false;
  s->watched = 0;
}

static void set_thread(FutureService *s, Tstate *ts) {
  pthread_mutex_lock(&s->m);
  s->ts = ts;
  pthread_mutex_unlock(&s->m);
}

/* There was no memory to serve: who frees some is let in, and nobody waits for what may never be. */
static void starve(Tstate *ts, FutureService *s) {
  s->starved = true;
  park_grant_all(ts, &s->drained);
  ts->shielded = true; /* what is asked of it is raised in service_loop */
  park(ts, &s->parked, gil_now(&ts->rt->gil) + IDLE_NS, "memory", s);
  ts->shielded = false;
}

/* What the thread runs: (service) */
static int service_main(lua_State *L, Tstate *ts) {
  FutureService *s = lua_touserdata(L, 1);
  int status;
  do { /* a cancel of somebody who found this thread in a list ends nothing */
    lua_settop(L, 1);
    lua_pushcfunction(L, service_loop);
    lua_pushvalue(L, 1);
    status = lua_pcall(L, 1, 0, 0);
    s->busy = false;
    bool no_memory = status != LUA_OK && !error_is(L, -1, ERROR_CANCELLED); /* also for a larger stack, which is no LUA_ERRMEM */
    if (no_memory && s->at_exit.rt->phase < PHASE_CANCELLING) starve(ts, s);
  } while (status != LUA_OK && s->at_exit.rt->phase < PHASE_CANCELLING);
  park_grant_all(ts, &s->drained);
  set_thread(s, NULL);
  return status;
}

static void start_thread(lua_State *L, FutureService *s) {
  luaL_checkstack(L, 6, NULL);
  lua_createtable(L, 2, 0);
  lua_pushboolean(L, false);
  lua_rawseti(L, -2, 1);
  push_service(L);
  lua_rawseti(L, -2, 2);
  Thread *t = thread_new(L, 2);
  t->main = service_main;
  t->daemon = true;
  lua_pushliteral(L, "gilua futures");
  lua_setiuservalue(L, -2, THREAD_NAME);
  thread_start(L, -1);
  set_thread(s, t->ts);
  lua_pop(L, 1);
}

/* Anchors the future at i and sees to it that the thread runs; raises when that cannot be. */
static void prepare(lua_State *L, int i) {
  service_open(L);
  FutureService *s = service_of(L);
  Future *f = lua_touserdata(L, i);
  f->service = s;
  anchor(L, f, i);
  if (s->ts != NULL && s->ts->vanished) { /* in a forked child: nothing of it is left */
    set_thread(s, NULL);
    s->busy = false;
  }
  if (s->ts == NULL) start_thread(L, s);
}

static int prepare_protected(lua_State *L) {
  prepare(L, 1);
  return 0;
}

/* The future at i is decided, or is to be settled by somebody else. FutureWatch.tell */
static void told(lua_State *L, Tstate *self, FutureWatch *w, Future *f, int i) {
  (void)w;
  if (f->serving == SERVING_OVER) return;
  bool prepared = f->serving == SERVING_WATCHED;
  if (!prepared && lua_checkstack(L, 4)) {
    i = lua_absindex(L, i);
    lua_pushcfunction(L, prepare_protected);
    lua_pushvalue(L, i);
    prepared = lua_pcall(L, 1, 0, 0) == LUA_OK;
    if (!prepared) lua_pop(L, 1);
  }
  if (prepared) {
    list(self, f);
    return;
  }
  f->serving = SERVING_OVER; /* there can be no thread: they are called here */
  if (call_callbacks(L, i, false)) return;
  uint32_t request = error_is(L, -1, ERROR_CANCELLED) ? REQUEST_CANCEL : REQUEST_INTERRUPT;
  lua_pop(L, 1);
  gil_request(&self->gil, &self->gil, request); /* raised once the future is decided for all */
}

static void link_service(Future *f) {
  if (f->serving != SERVING_NOT) return;
  f->serving = SERVING_TOLD;
  f->service_watch.tell = told;
  future_link(f, &f->service_watch);
}

void service_watch(lua_State *L, int i) {
  i = lua_absindex(L, i);
  Future *f = lua_touserdata(L, i);
  if (f->source == NULL || f->serving >= SERVING_WATCHED || future_poll(L, i)) return;
  prepare(L, i);
  if (future_decided(f) || f->serving >= SERVING_WATCHED) { /* by a finalizer */
    if (f->serving == SERVING_NOT) anchor(L, f, 0);
    return;
  }
  link_service(f);
  note_watched(f->service, f);
  if (f->state != FUTURE_SETTLING) f->source->watch(L, f, i);
}

void service_add_callback(lua_State *L, int i) {
  i = lua_absindex(L, i);
  Future *f = lua_touserdata(L, i);
  future_poll(L, i);
  if (lua_getiuservalue(L, i, FUTURE_CALLBACKS) == LUA_TNIL) {
    lua_pop(L, 1);
    lua_createtable(L, 1, 0);
    if (lua_getiuservalue(L, i, FUTURE_CALLBACKS) == LUA_TNIL) {
      lua_pop(L, 1);
      lua_pushvalue(L, -1);
      lua_setiuservalue(L, i, FUTURE_CALLBACKS);
    } else {
      lua_remove(L, -2); /* a finalizer made it meanwhile */
    }
  }
  lua_insert(L, -2);
  lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
  lua_pop(L, 1);
  if (!future_decided(f)) {
    link_service(f);
    service_watch(L, i);
  } else if (f->serving == SERVING_NOT || f->serving == SERVING_OVER) {
    f->serving = SERVING_OVER;
    if (!call_callbacks(L, i, false)) lua_error(L);
  }
}

/* RuntimeExit.run: what came of the executors, whose end comes before this one. */
static int finish(lua_State *L) {
  Tstate *ts = park_self(L);
  park_check(L, ts, service_drain(L, ts));
  return 0;
}

static bool at_exit(lua_State *L, RuntimeExit *self, bool joined) {
  (void)self, (void)joined;
  lua_pushcfunction(L, finish);
  if (lua_pcall(L, 0, 0, 0) == LUA_OK) return true;
  bool interrupted = error_is(L, -1, ERROR_INTERRUPTED);
  lua_pop(L, 1);
  return !interrupted;
}

static void detach(lua_State *L, RuntimeExit *self, bool last) {
  FutureService *s = (FutureService *)self; /* its first member */
  (void)L;
  if (!last) return;
  at_fork_remove_lock(s->at_exit.rt, &s->fork_lock);
  set_thread(s, NULL);
  s->busy = false;
}

static int service_gc(lua_State *L) {
  FutureService *s = lua_touserdata(L, 1);
  if (s->at_exit.rt != NULL) at_fork_remove_lock(s->at_exit.rt, &s->fork_lock);
  pthread_mutex_destroy(&s->m);
  return 0;
}

static void make(lua_State *L) {
  FutureService *s = lua_newuserdatauv(L, sizeof *s, SERVICE_ANCHORS);
  memset(s, 0, sizeof *s);
  pthread_mutex_init(&s->m, NULL);
  s->fork_lock.m = &s->m;
  s->at_exit.run = at_exit;
  s->at_exit.detach = detach;
  lua_newtable(L);
  lua_setiuservalue(L, -2, SERVICE_ANCHORS);
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, service_gc);
  lua_setfield(L, -2, "__gc");
  lua_setmetatable(L, -2);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &service_key);
}

void service_open(lua_State *L) {
  if (service_of(L) == NULL) make(L);
  FutureService *s = service_of(L);
  if (s->at_exit.rt != NULL) return;
  runtime_add_exit(L, &s->at_exit);
  at_fork_add_lock(s->at_exit.rt, &s->fork_lock);
}
