/* multiprocessing.Condition([lock]) and Barrier(parties [, action [, timeout]]): between processes.
 *
 *   acquire release locked hold with                           those of the lock, by default an RLock
 *   cond:wait([timeout]) -> boolean                            the lock is released meanwhile and held again after
 *   cond:wait_for(pred [, timeout]) -> pred's last value       pred is called with the lock held
 *   cond:notify([n = 1])     cond:notify_all()
 *
 *   barrier:wait([timeout]) -> 1 … parties, or nil, "broken"   barrier:reset()     barrier:abort()
 *   barrier.parties     barrier.n_waiting     barrier.broken
 *
 * wait gives `true, "abandoned"` if the process that had the lock meanwhile died with it. What notified a process that died
 * goes to another waiter. At most 128 threads wait for one Condition.
 */
#include <limits.h>
#include <string.h>

#include "pool/multiprocessing/shared_handle.h"
#include "runtime/shared/condition.h"
#include "runtime/state/error.h"
#include "runtime/state/finalizer.h"
#include "runtime/state/request.h"

static SharedLock *lock_of(const SharedHandle *h) { return (SharedLock *)h->s.object; }

static uint32_t thread_for(const SharedHandle *lock, const Tstate *ts) {
  return lock->head.type == &shared_lock_type ? 0 : (uint32_t)atomic_load_explicit(&ts->gil.tid, memory_order_relaxed);
}

static bool has_lock(const SharedHandle *lock, const Tstate *ts) {
  uint32_t thread = thread_for(lock, ts);
  if (thread != 0) return slock_mine(lock_of(lock), thread);
  return (atomic_load_explicit(&lock_of(lock)->word, memory_order_relaxed) & ~SHARED_WAITED) == shared_self();
}

/* Its lock in *lock. */
static SharedHandle *check_held(lua_State *L, const char *method, Tstate *ts, SharedHandle **lock) {
  SharedHandle *h = shared_check(L, 1, &shared_condition_type);
  *lock = shared_check_lock(L, 1);
  if (!has_lock(*lock, ts)) luaL_error(L, "%s on a Condition whose lock is not held by this process and thread", method);
  return h;
}

static bool wait_until(lua_State *L, Tstate *ts, SharedHandle *h, SharedHandle *lock, int64_t deadline, bool *abandoned) {
  uint32_t thread = thread_for(lock, ts), depth = lock_of(lock)->depth;
  uint32_t told;
  bool kept, full;
  *abandoned = false;
  if (waits_forbidden(ts)) park_check(L, ts, PARK_FORBIDDEN);
  ParkResult result = scondition_wait(ts, &h->s, &lock->s, deadline, &kept, &full, &told);
  if (!kept) {
    slock_take_again(ts, &lock->s, thread, abandoned);
    lock_of(lock)->depth = depth;
  }
  /* What it is to raise uses no notification up; one that cannot be passed on is had, and it raises after that. */
  if (result == PARK_GRANTED && !request_serve(ts) && scondition_pass(ts, &h->s, told)) result = PARK_REQUESTED;
  if (full) luaL_error(L, "more than %d threads wait for one Condition", WAIT_PLACES);
  return park_check(L, ts, result);
}

static int condition_wait(lua_State *L) {
  Tstate *ts = park_self(L);
  int64_t deadline = park_timeout(L, 2, NULL);
  SharedHandle *lock, *h = check_held(L, "wait", ts, &lock);
  bool abandoned;
  lua_pushboolean(L, wait_until(L, ts, h, lock, deadline, &abandoned));
  if (!abandoned) return 1;
  lua_pushliteral(L, "abandoned");
  return 2;
}

static int condition_wait_for(lua_State *L) {
  Tstate *ts = park_self(L);
  object_check_callable(L, 2);
  int64_t deadline = park_timeout(L, 3, NULL);
  bool in_time = true, abandoned;
  SharedHandle *lock, *h = check_held(L, "wait_for", ts, &lock);
  for (;;) {
    lua_settop(L, 2);
    lua_pushvalue(L, 2);
    lua_call(L, 0, 1);
    if (lua_toboolean(L, -1) || !in_time) return 1;
    check_held(L, "wait_for", ts, &lock);
    in_time = wait_until(L, ts, h, lock, deadline, &abandoned);
  }
}

static int notify(lua_State *L, const char *method, unsigned n) {
  Tstate *ts = park_self(L);
  SharedHandle *lock, *h = check_held(L, method, ts, &lock);
  park_check(L, ts, scondition_notify(ts, &h->s, n));
  return 0;
}

static int condition_notify(lua_State *L) {
  lua_Integer n = luaL_optinteger(L, 2, 1);
  luaL_argcheck(L, n >= 0, 2, "must not be negative");
  return notify(L, "notify", n < WAIT_PLACES ? (unsigned)n : WAIT_PLACES);
}

static int condition_notify_all(lua_State *L) { return notify(L, "notify_all", WAIT_PLACES); }

static const luaL_Reg condition_methods[] = {
    {"acquire", shared_lock_acquire}, {"hold", shared_lock_hold},   {"locked", shared_lock_locked},
    {"notify", condition_notify},     {"notify_all", condition_notify_all},
    {"release", shared_lock_release}, {"wait", condition_wait},     {"wait_for", condition_wait_for},
    {"with", shared_lock_with},       {NULL, NULL},
};

static const luaL_Reg condition_meta[] = {
    {"__close", shared_lock_release}, {"__gc", shared_collect}, {"__reduce", shared_reduce}, {NULL, NULL}};

const ObjectType shared_condition_type = {.name = "gilua.multiprocessing.Condition",
                                          .size = sizeof(SharedHandle),
                                          .methods = condition_methods,
                                          .meta = condition_meta,
                                          .describe = shared_describe};

static int new_condition(lua_State *L) {
  object_check_last(L, 1);
  lua_settop(L, 1);
  if (lua_isnil(L, 1)) {
    shared_push_new(L, SHARED_RLOCK, sizeof(SharedLock));
    lua_replace(L, 1);
  } else if (object_test(L, 1, &shared_lock_type) == NULL && object_test(L, 1, &shared_rlock_type) == NULL) {
    return luaL_typeerror(L, 1, "Lock or RLock of gilua.multiprocessing");
  }
  shared_push_new(L, SHARED_CONDITION, sizeof(SharedCondition));
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, 1);
  return 1;
}

static SharedHandle *check_barrier(lua_State *L) { return shared_check(L, 1, &shared_barrier_type); }

static SharedBarrier *barrier_of(const SharedHandle *h) { return (SharedBarrier *)h->s.object; }

static int answer_broken(lua_State *L) {
  luaL_pushfail(L);
  lua_pushliteral(L, "broken");
  return 2;
}

/* The last to arrive runs the action, which is on top, and lets the others pass. */
static int act(lua_State *L, Tstate *ts, SharedHandle *h) {
  bool broken;
  int status = error_call(L, 0, 0);
  if (status != LUA_OK) {
    sbarrier_break(ts, &h->s);
    return error_pass_on(L, status);
  }
  park_check(L, ts, sbarrier_pass(ts, &h->s, &broken));
  if (broken) return answer_broken(L);
  lua_pushinteger(L, barrier_of(h)->parties);
  return 1;
}

static int barrier_wait(lua_State *L) {
  SharedHandle *h = check_barrier(L);
  Tstate *ts = park_self(L);
  bool poll, last, broken;
  uint32_t index;
  int64_t deadline = park_timeout(L, 2, &poll);
  if (lua_isnoneornil(L, 2) && barrier_of(h)->timeout >= 0) deadline = park_deadline(barrier_of(h)->timeout);
  bool action = lua_getiuservalue(L, 1, 1) != LUA_TNIL;
  if (atomic_load_explicit(&barrier_of(h)->broken, memory_order_acquire) != 0) return answer_broken(L);
  ParkResult result = sbarrier_wait(ts, &h->s, action, poll ? 0 : deadline, &index, &last, &broken);
  if (!park_check(L, ts, result) || broken) return answer_broken(L);
  if (last && action) return act(L, ts, h);
  lua_pushinteger(L, index);
  return 1;
}

static int barrier_abort(lua_State *L) {
  SharedHandle *h = check_barrier(L);
  Tstate *ts = park_self(L);
  park_check(L, ts, sbarrier_break(ts, &h->s));
  return 0;
}

static int barrier_reset(lua_State *L) {
  SharedHandle *h = check_barrier(L);
  Tstate *ts = park_self(L);
  park_check(L, ts, sbarrier_reset(ts, &h->s));
  return 0;
}

static bool barrier_get(lua_State *L, void *object, const char *field) {
  const SharedBarrier *b = barrier_of(shared_ready(L, object));
  if (strcmp(field, "parties") == 0) lua_pushinteger(L, b->parties);
  else if (strcmp(field, "n_waiting") == 0) lua_pushinteger(L, b->runner != 0 ? 0 : sbarrier_waiting(b));
  else if (strcmp(field, "broken") == 0) lua_pushboolean(L, b->broken != 0);
  else return false;
  return true;
}

static const char *const barrier_fields[] = {"parties", "n_waiting", "broken", NULL};
static const luaL_Reg barrier_methods[] = {
    {"abort", barrier_abort}, {"reset", barrier_reset}, {"wait", barrier_wait}, {NULL, NULL}};
static const luaL_Reg barrier_meta[] = {{"__gc", shared_collect}, {"__reduce", shared_reduce}, {NULL, NULL}};

const ObjectType shared_barrier_type = {.name = "gilua.multiprocessing.Barrier",
                                        .size = sizeof(SharedHandle),
                                        .methods = barrier_methods,
                                        .meta = barrier_meta,
                                        .fields = barrier_fields,
                                        .get = barrier_get,
                                        .describe = shared_describe};

static int new_barrier(lua_State *L) {
  object_check_last(L, 3);
  lua_Integer parties = luaL_checkinteger(L, 1);
  luaL_argcheck(L, parties >= 1 && parties <= INT_MAX, 1, "must be one or more");
  if (!lua_isnoneornil(L, 2)) object_check_callable(L, 2);
  park_timeout(L, 3, NULL);
  lua_Number timeout = luaL_optnumber(L, 3, -1);
  lua_settop(L, 2);
  SharedBarrier *b = barrier_of(shared_push_new(L, SHARED_BARRIER, sizeof(SharedBarrier)));
  b->parties = (uint32_t)parties;
  b->timeout = timeout;
  lua_pushvalue(L, 2);
  lua_setiuservalue(L, -2, 1);
  return 1;
}

void lib_shared_condition_add(lua_State *L) {
  static const luaL_Reg funcs[] = {{"Condition", new_condition}, {"Barrier", new_barrier}, {NULL, NULL}};
  luaL_setfuncs(L, funcs, 0);
}
