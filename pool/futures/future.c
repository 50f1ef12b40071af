/* The life of a future. Who waits for several is in group.c, callbacks are called in service.c. */
#include "pool/futures/future.h"

#include <assert.h>
#include <limits.h>

#include "pool/futures/crew.h"
#include "pool/futures/group.h"
#include "pool/futures/service.h"
#include "runtime/thread/error.h"
#include "runtime/thread/finalizer.h"

#define DROPPING_META "gilua.Future.dropping" /* the metatable of futures whose source wants to know of their end */

static const char metatable_key = 0; /* its address names the registry entry: a look-up without a string */

static int future_gc(lua_State *L) {
  Future *f = lua_touserdata(L, 1);
  f->source->drop(f);
  f->source = NULL; /* finalizers that run later may still reach it, as that of a map's iterator does */
  if (!future_decided(f)) f->state = FUTURE_CANCELLED;
  return 0;
}

void future_register(lua_State *L) {
  object_register(L, &future_type);
  luaL_getmetatable(L, future_type.name);
  lua_newtable(L);
  for (lua_pushnil(L); lua_next(L, -3) != 0;) {
    lua_pushvalue(L, -2);
    lua_insert(L, -2);
    lua_rawset(L, -4);
  }
  lua_pushcfunction(L, future_gc);
  lua_setfield(L, -2, "__gc");
  lua_setfield(L, LUA_REGISTRYINDEX, DROPPING_META);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &metatable_key);
}

Future *future_new(lua_State *L, const FutureSource *source, void *task, int nslots) {
  if (nslots < FUTURE_LEAST_SLOTS) nslots = FUTURE_LEAST_SLOTS;
  Future *f = lua_newuserdatauv(L, sizeof *f, FUTURE_VALUE - 1 + nslots);
  *f = (Future){.head.type = &future_type, .source = source, .task = task, .nslots = (unsigned short)nslots};
  if (source != NULL && source->drop != NULL) luaL_setmetatable(L, DROPPING_META);
  else {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &metatable_key);
    lua_setmetatable(L, -2);
  }
  return f;
}

Future *future_check(lua_State *L, int i) { return object_check(L, i, &future_type); }

bool future_may(FutureState from, FutureState to) {
  static const bool may[][FUTURE_CANCELLED + 1] = {
      [FUTURE_PENDING] = {false, true, true, true, true},
      [FUTURE_RUNNING] = {false, false, true, true, true},
      [FUTURE_CANCELLED] = {false},
  };
  return may[from][to];
}

const char *future_state_name(const Future *f) {
  static const char *const names[] = {"pending", "running", "done", "failed", "cancelled"};
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

/* Hands the callbacks of a decided future to the service, or runs them here when there can be no service. */
static int prepare_protected(lua_State *L) {
  service_prepare(L, 1);
  return 0;
}

static void hand_over_callbacks(lua_State *L, Tstate *self, Future *f, int i) {
  bool prepared = f->watched;
  if (!prepared) {
    lua_pushcfunction(L, prepare_protected);
    lua_pushvalue(L, i);
    prepared = lua_pcall(L, 1, 0, 0) == LUA_OK;
    if (!prepared) lua_pop(L, 1);
  }
  if (prepared) {
    service_add(self, f);
  } else {
    f->served = true;
    service_run_callbacks(L, i);
  }
}

static void decide(lua_State *L, Future *f, int i, FutureState to) {
  Tstate *self = tstate_self();
  f->state = to;
  f->runner = 0;
  f->crew = NULL;
  if (!waitq_empty(&f->waiters)) park_grant_all(self, &f->waiters);
  if (f->watches != NULL) group_tell(self, f);
  if ((f->has_callbacks || f->watched) && !f->served) hand_over_callbacks(L, self, f, i);
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
  }
  f->nvalues = n;
  f->spilled = n > f->nslots;
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

static void settle(lua_State *L, Future *f, int i) {
  f->settling = true;
  f->source->settle(L, f, lua_absindex(L, i));
  f->settling = false;
  assert(future_decided(f));
}

bool future_poll(lua_State *L, int i) {
  Future *f = lua_touserdata(L, i);
  if (!future_decided(f) && f->source != NULL && !f->settling && f->source->ready(f)) settle(L, f, i);
  return future_decided(f);
}

void future_watch(lua_State *L, int i) {
  i = lua_absindex(L, i);
  Future *f = lua_touserdata(L, i);
  if (f->source == NULL || f->watched || f->settling || f->served || future_poll(L, i)) return;
  service_prepare(L, i);
  f->service = service_of(L);
  f->watched = true;
  f->service->watched++;
  f->source->watch(L, f, i);
}

/* Waits for somebody to call future_set_…. */
static ParkResult wait_parked(lua_State *L, Tstate *ts, Future *f, int64_t deadline) {
  if (!crew_begin_wait(ts, f, deadline)) crew_raise_deadlock(L, ts, "future", f->runner);
  ParkResult result = park(ts, &f->waiters, deadline, "future", &f->runner);
  crew_end_wait(ts);
  return result;
}

ParkResult future_wait(lua_State *L, Tstate *ts, int i, int64_t deadline) {
  Future *f = lua_touserdata(L, i);
  while (!future_poll(L, i)) {
    ParkResult result = f->source != NULL && !f->settling ? f->source->wait(L, ts, f, deadline)
                                                          : wait_parked(L, ts, f, deadline);
    if (result != PARK_GRANTED) return future_poll(L, i) && result == PARK_TIMEOUT ? PARK_GRANTED : result;
  }
  return PARK_GRANTED;
}

bool future_cancel(lua_State *L, int i) {
  Future *f = lua_touserdata(L, i);
  if (!future_poll(L, i) && !f->settling &&
      (f->source != NULL ? f->source->cancel(L, f, lua_absindex(L, i)) : f->state == FUTURE_PENDING) &&
      !future_decided(f))
    future_set_cancelled(L, i);
  return f->state == FUTURE_CANCELLED;
}

void future_push_error(lua_State *L, int i) {
  const Future *f = lua_touserdata(L, i);
  assert(future_decided(f));
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
  int n = f->nvalues;
  i = lua_absindex(L, i);
  if (n > LUA_MINSTACK - 4) luaL_checkstack(L, n + 1, "too many results");
  if (!f->spilled) {
    for (int k = 0; k < n; k++) lua_getiuservalue(L, i, FUTURE_VALUE + k);
    return n;
  }
  lua_getiuservalue(L, i, FUTURE_VALUE);
  int table = lua_gettop(L);
  for (int k = 1; k <= n; k++) lua_rawgeti(L, table, k);
  lua_remove(L, table);
  return n;
}

void future_add_callback(lua_State *L, int i) {
  i = lua_absindex(L, i);
  Future *f = lua_touserdata(L, i);
  bool late = future_poll(L, i) && (f->served || !f->has_callbacks);
  if (lua_getiuservalue(L, i, FUTURE_CALLBACKS) == LUA_TNIL) {
    lua_pop(L, 1);
    lua_createtable(L, 1, 0);
    lua_pushvalue(L, -1);
    lua_setiuservalue(L, i, FUTURE_CALLBACKS);
  }
  lua_insert(L, -2);
  lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
  lua_pop(L, 1);
  f->has_callbacks = true;
  if (late) {
    f->served = true;
    service_run_callbacks(L, i);
  } else {
    future_watch(L, i);
  }
}
