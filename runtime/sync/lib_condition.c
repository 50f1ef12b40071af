/* threading.Condition([lock]): a Lock or RLock (by default a new RLock) and a queue of threads that wait to be told.
 *
 *   acquire release locked hold with                           those of the lock
 *   cond:wait([timeout]) -> boolean                            the lock is released meanwhile and held again after
 *   cond:wait_for(pred [, timeout]) -> pred's last value       pred is called with the lock held
 *   cond:notify([n = 1])     cond:notify_all()
 *
 * A notified thread is moved to the queue of the lock, not woken: it would only wait there. If it is to raise something when it
 * has the lock, it notifies the next one instead of itself.
 */
#include <lauxlib.h>

#include "runtime/sync/lib_sync.h"
#include "runtime/state/finalizer.h"
#include "runtime/state/request.h"

static ConditionObject *check_held(lua_State *L, const char *method, Tstate *ts) {
  ConditionObject *c = object_check(L, 1, &condition_type);
  if (!lock_releasable(ts, c->lock))
    luaL_error(L, "%s on a Condition whose lock is not held%s", method, c->lock->recursive ? " by this thread" : "");
  return c;
}

/* Gets the lock back after a wait that nobody ended. Not interrupted: whoever called wait owns the lock after it. */
static void reacquire(Tstate *ts, Lock *lock) {
  ts->shielded = true;
  lock_acquire(ts, lock, CLOCK_NEVER);
  ts->shielded = false;
}

static void notify(ConditionObject *c, lua_Integer n) {
  for (; n > 0 && !waitq_empty(&c->waiters); n--) park_move(c->waiters.head, &c->lock->waiters, "lock", c->lock, lock_claim);
}

static bool wait_until(lua_State *L, Tstate *ts, ConditionObject *c, int64_t deadline) {
  if (waits_forbidden(ts)) park_check(L, ts, PARK_FORBIDDEN); /* before the lock is given away for nothing */
  lua_Integer depth = lock_release_all(ts, c->lock);
  ParkResult result = park(ts, &c->waiters, deadline, "condition", c);
  if (result != PARK_GRANTED) reacquire(ts, c->lock);
  lock_restore(c->lock, depth);
  if (result == PARK_GRANTED && park_leaves(ts)) {
    notify(c, 1);
    result = PARK_REQUESTED;
  }
  return park_check(L, ts, result);
}

static int condition_wait(lua_State *L) {
  Tstate *ts = park_self(L);
  int64_t deadline = park_timeout(L, 2, NULL);
  ConditionObject *c = check_held(L, "wait", ts);
  lua_pushboolean(L, wait_until(L, ts, c, deadline));
  return 1;
}

static int condition_wait_for(lua_State *L) {
  Tstate *ts = park_self(L);
  object_check_callable(L, 2);
  int64_t deadline = park_timeout(L, 3, NULL);
  ConditionObject *c = check_held(L, "wait_for", ts);
  lua_Integer holder = c->lock->holder;
  bool in_time = true;
  for (;;) {
    lua_settop(L, 2);
    lua_pushvalue(L, 2);
    lua_call(L, 0, 1);
    if (lua_toboolean(L, -1) || !in_time) return 1;
    if (c->lock->holder != holder) return luaL_error(L, "wait_for on a Condition whose lock was given away by the predicate");
    in_time = wait_until(L, ts, c, deadline);
    holder = ts->ident;
  }
}

static int condition_notify(lua_State *L) {
  lua_Integer n = luaL_optinteger(L, 2, 1);
  luaL_argcheck(L, n >= 0, 2, "must not be negative");
  notify(check_held(L, "notify", park_self(L)), n);
  return 0;
}

static int condition_notify_all(lua_State *L) {
  notify(check_held(L, "notify_all", park_self(L)), LUA_MAXINTEGER);
  return 0;
}

static const luaL_Reg condition_methods[] = {
    {"acquire", lock_acquire_method}, {"hold", lock_hold_method},   {"locked", lock_locked_method},
    {"notify", condition_notify},     {"notify_all", condition_notify_all},
    {"release", lock_release_method}, {"wait", condition_wait},     {"wait_for", condition_wait_for},
    {"with", lock_with_method},       {NULL, NULL},
};

static const luaL_Reg condition_meta[] = {{"__close", lock_close_method}, {NULL, NULL}};

/* "RLock unlocked, 0 waiting" */
static void describe(lua_State *L, void *object) {
  const ConditionObject *c = object;
  lua_Integer waiting = 0;
  for (const Waiter *w = c->waiters.head; w != NULL; w = w->next) waiting++;
  lock_push_state(L, c->lock);
  lua_pushfstring(L, "%s %s, %I waiting", c->lock->recursive ? "RLock" : "Lock", lua_tostring(L, -1), (LUAI_UACINT)waiting);
}

const ObjectType condition_type = {.name = "gilua.Condition", .size = sizeof(ConditionObject), .methods = condition_methods,
                                   .meta = condition_meta, .describe = describe};

static int new_condition(lua_State *L) {
  object_check_last(L, 1);
  lua_settop(L, 1);
  Lock *lock;
  if (lua_isnil(L, 1)) {
    lock = sync_new_rlock(L);
    lua_replace(L, 1);
  } else {
    lock = sync_check_lock(L, 1);
  }
  ConditionObject *c = object_new(L, &condition_type, 1);
  c->lock = lock;
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, 1);
  return 1;
}

void lib_condition_add(lua_State *L) {
  lua_pushcfunction(L, new_condition);
  lua_setfield(L, -2, "Condition");
}
