/* The life of a future. */
#include "pool/futures/future.h"

#include <assert.h>
#include <limits.h>

#include "pool/futures/workers.h"
#include "runtime/state/after_read.h"
#include "runtime/state/error.h"
#include "runtime/state/order.h"

#define DROPPING_META "gilua.Future.dropping" /* the metatable of futures whose source wants to know of their end */

static const char metatable_key = 0; /* its address names the registry entry: a look-up without a string */

static int future_gc(lua_State *L) {
  Future *f = future_test(L, 1); /* debug.getmetatable gives this to anybody */
  if (f == NULL || f->source == NULL) return 0;
  f->source->drop(f, f->abandoned && !future_decided(f));
  f->source = NULL; /* finalizers that run later may still reach it, as that of a map's iterator does */
  if (!future_decided(f)) f->state = FUTURE_CANCELLED;
  return 0;
}

/* Pushes the metatable of the one kind or the other; both are made at once. */
static void push_metatable(lua_State *L, bool dropping) {
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &metatable_key) == LUA_TNIL) {
    lua_newtable(L); /* that of those whose source wants to know of their end */
    object_push_metatable(L, &future_type);
    for (lua_pushnil(L); lua_next(L, -2) != 0;) {
      lua_pushvalue(L, -2);
      lua_insert(L, -2);
      lua_rawset(L, -5);
    }
    lua_pushcfunction(L, future_gc);
    lua_setfield(L, -3, "__gc");
    lua_insert(L, -2);
    lua_setfield(L, LUA_REGISTRYINDEX, DROPPING_META);
    lua_replace(L, -2);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &metatable_key);
  }
  if (!dropping) return;
  lua_pop(L, 1);
  luaL_getmetatable(L, DROPPING_META);
}

Future *future_new(lua_State *L, const FutureSource *source, void *task, int nslots) {
  luaL_checkstack(L, 8, NULL);
  if (nslots < FUTURE_LEAST_SLOTS) nslots = FUTURE_LEAST_SLOTS;
  Future *f = lua_newuserdatauv(L, sizeof *f, FUTURE_VALUE - 1 + nslots);
  *f = (Future){.head.type = &future_type, .source = source, .task = task, .nslots = (unsigned short)nslots};
  push_metatable(L, source != NULL && source->drop != NULL);
  lua_setmetatable(L, -2);
  return f;
}

Future *future_check(lua_State *L, int i) { return object_check(L, i, &future_type); }

bool future_may(FutureState from, FutureState to) {
  static const bool may[][FUTURE_CANCELLED + 1] = {
      [FUTURE_PENDING] = {false, true, true, true, true, true},
      [FUTURE_RUNNING] = {false, false, false, true, true, true},
      [FUTURE_SETTLING] = {true, false, false, true, true, true},
      [FUTURE_CANCELLED] = {false},
  };
  return may[from][to];
}

const char *future_state_name(const Future *f) {
  static const char *const names[] = {"pending", "running", "running", "done", "failed", "cancelled"};
  return names[f->state];
}

bool future_set_running(Future *f) {
  if (!future_may(f->state, FUTURE_RUNNING)) return false;
  f->state = FUTURE_RUNNING;
  return true;
}

/* Raises invalid_state unless the future may end so. */
static Future *check_may(lua_State *L, int i, FutureState to) {
  Future *f = lua_touserdata(L, i);
  if (future_may(f->state, to)) return f;
  error_raise_state(L, future_state_name(f), "a future that is %s cannot be decided again", future_state_name(f));
  return NULL;
}

/* The slots from the n-th on are emptied: what is left of the call must not live as long as the result. */
static void clear_slots(lua_State *L, Future *f, int i, int n) {
  for (; n < f->nslots; n++) {
    lua_pushnil(L);
    lua_setiuservalue(L, i, FUTURE_VALUE + n);
  }
}

void future_link(Future *f, FutureWatch *w) {
  w->future = f;
  w->next = f->watches;
  w->prev = NULL;
  if (w->next != NULL) w->next->prev = w;
  f->watches = w;
}

void future_unlink(FutureWatch *w) {
  if (w->next != NULL) w->next->prev = w->prev;
  if (w->prev != NULL) w->prev->next = w->next;
  else w->future->watches = w->next;
  w->next = w->prev = NULL;
  w->future = NULL;
}

static void decide(lua_State *L, Future *f, int i, FutureState to) {
  Tstate *self = tstate_self();
  f->state = to;
  order_release(self, f);
  f->runner = 0;
  f->workers = NULL;
  if (!waitq_empty(&f->waiters)) park_grant_all(self, &f->waiters);
  while (f->watches != NULL) {
    FutureWatch *w = f->watches;
    future_unlink(w);
    w->tell(L, self, w, f, i);
  }
}

void future_set_values(lua_State *L, int i, int n) {
  i = lua_absindex(L, i);
  Future *f = check_may(L, i, FUTURE_DONE);
  int filled = n;
  if (n > f->nslots) {
    luaL_checkstack(L, 2, "too many results");
    lua_createtable(L, n, 0);
    lua_insert(L, -n - 1);
    for (int k = n; k > 0; k--) lua_rawseti(L, -k - 1, k);
    filled = 1;
    check_may(L, i, FUTURE_DONE); /* a finalizer may have decided it */
  }
  f->nvalues = n;
  clear_slots(L, f, i, filled);
  for (int k = filled; k > 0; k--) lua_setiuservalue(L, i, FUTURE_VALUE + k - 1);
  decide(L, f, i, FUTURE_DONE);
}

void future_set_error(lua_State *L, int i) {
  i = lua_absindex(L, i);
  Future *f = check_may(L, i, FUTURE_FAILED);
  clear_slots(L, f, i, 2);
  lua_setiuservalue(L, i, FUTURE_TRACEBACK);
  lua_setiuservalue(L, i, FUTURE_VALUE);
  decide(L, f, i, FUTURE_FAILED);
}

void future_set_cancelled(lua_State *L, int i) {
  i = lua_absindex(L, i);
  Future *f = check_may(L, i, FUTURE_CANCELLED);
  clear_slots(L, f, i, 0);
  decide(L, f, i, FUTURE_CANCELLED);
}

/* (future): decodes and decides; an error leaves it undecided, but for a request that comes while watches are told */
static int settle(lua_State *L) {
  Future *f = lua_touserdata(L, 1);
  switch (f->source->load(L, f)) {
    case FUTURE_CANCELLED: future_set_cancelled(L, 1); break;
    case FUTURE_FAILED:
      lua_settop(L, 3);
      future_set_error(L, 1);
      break;
    default: future_set_values(L, 1, lua_gettop(L) - 1);
  }
  return 0;
}

/* Who waits for the thread that was settling f, the watching thread included, looks again. */
static void settle_again(lua_State *L, Future *f, int i) {
  Tstate *self = tstate_self();
  f->state = FUTURE_PENDING;
  f->runner = 0;
  park_grant_all(self, &f->waiters);
  if (f->service_watch.future != NULL) f->service_watch.tell(L, self, &f->service_watch, f, i);
}

CallResult future_ask(lua_State *L, int i) {
  Future *f = lua_touserdata(L, i);
  if (f->state >= FUTURE_SETTLING || f->source == NULL || !f->source->ready(f)) return CALL_OK;
  luaL_checkstack(L, 8, NULL);
  i = lua_absindex(L, i);
  f->state = FUTURE_SETTLING;
  Tstate *self = running_self(L); /* NULL: the runtime has gone */
  AfterRead reading;
  f->runner = self != NULL ? self->ident : 0;
  lua_pushcfunction(L, settle);
  lua_pushvalue(L, i);
  after_read_begin(self, &reading);
  CallResult result = call_user(L, 1, 0);
  if (result == CALL_FAILED && !future_decided(f)) future_set_error(L, i);
  else if (result == CALL_FAILED) lua_pop(L, 2);
  if (!future_decided(f)) settle_again(L, f, i);
  else if (f->source->drop != NULL) f->source->drop(f, false);
  after_read_end(self, &reading, !future_decided(f));
  return result == CALL_REQUESTED ? CALL_REQUESTED : CALL_OK;
}

bool future_poll(lua_State *L, int i) {
  const Future *f = lua_touserdata(L, i);
  if (!future_decided(f) && future_ask(L, i) == CALL_REQUESTED) lua_error(L);
  if (future_decided(f)) order_acquire(tstate_self(), f);
  return future_decided(f);
}

/* Waits for somebody to call future_set_…. */
static ParkResult wait_parked(lua_State *L, Tstate *ts, Future *f, int64_t deadline) {
  if (!workers_begin_wait(ts, f->workers, deadline)) workers_raise_deadlock(L, ts, "future", f->runner);
  ParkResult result = park(ts, &f->waiters, deadline, "future", &f->runner);
  workers_end_wait(ts);
  return result;
}

ParkResult future_wait(lua_State *L, Tstate *ts, int i, int64_t deadline) {
  Future *f = lua_touserdata(L, i);
  while (!future_poll(L, i)) {
    ParkResult result = f->source != NULL && f->state != FUTURE_SETTLING ? f->source->wait(L, ts, f, deadline)
                                                                       : wait_parked(L, ts, f, deadline);
    if (result != PARK_GRANTED) return future_poll(L, i) && result == PARK_TIMEOUT ? PARK_GRANTED : result;
  }
  return PARK_GRANTED;
}

bool future_cancel(lua_State *L, int i) {
  Future *f = lua_touserdata(L, i);
  if (!future_poll(L, i) && f->state != FUTURE_SETTLING &&
      (f->source != NULL ? f->source->cancel(L, f, lua_absindex(L, i)) : f->state == FUTURE_PENDING) &&
      !future_decided(f))
    future_set_cancelled(L, i);
  return f->state == FUTURE_CANCELLED;
}

void future_push_error(lua_State *L, int i) {
  const Future *f = lua_touserdata(L, i);
  assert(future_decided(f));
  order_acquire(tstate_self(), f);
  if (f->state == FUTURE_DONE) {
    lua_pushnil(L);
  } else if (f->state == FUTURE_CANCELLED) {
    error_push(L, ERROR_CANCELLED, "the task was cancelled");
  } else {
    i = lua_absindex(L, i);
    lua_getiuservalue(L, i, FUTURE_VALUE);
    lua_getiuservalue(L, i, FUTURE_TRACEBACK);
    error_remember_traceback(L, -2);
  }
}

int future_push_result(lua_State *L, int i) {
  const Future *f = lua_touserdata(L, i);
  if (f->state != FUTURE_DONE) {
    future_push_error(L, i);
    return lua_error(L);
  }
  order_acquire(tstate_self(), f);
  int n = f->nvalues;
  i = lua_absindex(L, i);
  if (n > LUA_MINSTACK - 4) luaL_checkstack(L, n + 1, "too many results");
  if (n <= f->nslots) {
    for (int k = 0; k < n; k++) lua_getiuservalue(L, i, FUTURE_VALUE + k);
    return n;
  }
  lua_getiuservalue(L, i, FUTURE_VALUE);
  int table = lua_gettop(L);
  for (int k = 1; k <= n; k++) lua_rawgeti(L, table, k);
  lua_remove(L, table);
  return n;
}
