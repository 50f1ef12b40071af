/* threading.Lock() and threading.RLock().
 *
 *   lock:acquire([blocking = true [, timeout]]) -> boolean     lock:release()     lock:locked() -> boolean
 *   local _ <close> = lock:hold()                              lock:with(f, ...) -> results of f(...)
 *   rlock:held() -> boolean                                    of an RLock: does the calling thread hold it?
 */
#include "runtime/sync/lib_sync.h"

#include <lauxlib.h>

bool sync_acquire_args(lua_State *L, int64_t *deadline) {
  bool blocking = park_blocking(L, 2), poll;
  if (!blocking && !lua_isnoneornil(L, 3)) luaL_argerror(L, 3, "a call that does not block takes no timeout");
  *deadline = park_timeout(L, 3, &poll);
  return blocking && !poll;
}

static Lock *check_other(lua_State *L, int i) {
  LockObject *o = object_test(L, i, &rlock_type);
  if (o != NULL) return &o->lock;
  ConditionObject *c = object_test(L, i, &condition_type);
  if (c == NULL) luaL_typeerror(L, i, "Lock, RLock or Condition");
  return c->lock;
}

static inline Lock *check(lua_State *L, int i) {
  LockObject *o = object_test(L, i, &lock_type);
  return o != NULL ? &o->lock : check_other(L, i);
}

Lock *sync_check_lock(lua_State *L, int i) { return check(L, i); }

int lock_acquire_method(lua_State *L) {
  Lock *lock = check(L, 1);
  Tstate *ts = park_self(L);
  int64_t deadline = CLOCK_NEVER;
  bool may_wait = lua_gettop(L) == 1 || sync_acquire_args(L, &deadline);
  bool got = lock_try(ts, lock);
  if (!got && may_wait) got = park_check(L, ts, lock_acquire(ts, lock, deadline));
  lua_pushboolean(L, got);
  return 1;
}

static int bad_release(lua_State *L, const Lock *lock) {
  if (lock->holder == 0) return luaL_error(L, "release of %s that is not held", lock->recursive ? "an RLock" : "a Lock");
  return luaL_error(L, "RLock is held by thread %d, released by thread %d", (int)lock->holder,
                    (int)tstate_self()->ident);
}

static inline int release(lua_State *L, Tstate *ts, Lock *lock) {
  if (!lock_releasable(ts, lock)) return bad_release(L, lock);
  lock_release(ts, lock);
  return 0;
}

int lock_release_method(lua_State *L) {
  Lock *lock = check(L, 1);
  return release(L, park_self(L), lock);
}

/* __close: gives back what this coroutine or thread got, not what another took since. */
int lock_close_method(lua_State *L) {
  Lock *lock = check(L, 1);
  Tstate *ts = park_self(L);
  if (lock->holder == ts->ident || lock->taken_in == L || lock->holder == 0) return release(L, ts, lock);
  return luaL_error(L, "the end of a block would release a Lock that thread %d has taken meanwhile", (int)lock->holder);
}

int lock_locked_method(lua_State *L) {
  lua_pushboolean(L, check(L, 1)->holder != 0);
  return 1;
}

int lock_hold_method(lua_State *L) {
  Lock *lock = check(L, 1);
  Tstate *ts = park_self(L);
  if (!lock_try(ts, lock)) park_check(L, ts, lock_acquire(ts, lock, CLOCK_NEVER));
  ts->just_held = true;
  if (lua_gettop(L) != 1) lua_settop(L, 1);
  return 1;
}

static int with_done(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  return lua_gettop(L) - 1;
}

int sync_with(lua_State *L) {
  lua_toclose(L, 1);
  lua_callk(L, lua_gettop(L) - 2, LUA_MULTRET, 0, with_done);
  return with_done(L, LUA_OK, 0);
}

int lock_with_method(lua_State *L) {
  Lock *lock = check(L, 1);
  Tstate *ts = park_self(L);
  object_check_callable(L, 2);
  if (!lock_try(ts, lock)) park_check(L, ts, lock_acquire(ts, lock, CLOCK_NEVER));
  return sync_with(L);
}

/* RLock only: does the calling thread hold it? */
static int rlock_held(lua_State *L) {
  LockObject *o = object_check(L, 1, &rlock_type);
  lua_pushboolean(L, o->lock.holder == park_self(L)->ident);
  return 1;
}

void lock_push_state(lua_State *L, const Lock *lock) {
  if (lock->holder == 0) lua_pushliteral(L, "unlocked");
  else if (!lock->recursive) lua_pushfstring(L, "locked by thread %I", (LUAI_UACINT)lock->holder);
  else lua_pushfstring(L, "locked by thread %I, count %I", (LUAI_UACINT)lock->holder, (LUAI_UACINT)lock->depth);
}

static void describe(lua_State *L, void *object) { lock_push_state(L, &((LockObject *)object)->lock); }

static const luaL_Reg lock_methods[] = {
    {"acquire", lock_acquire_method}, {"hold", lock_hold_method}, {"locked", lock_locked_method},
    {"release", lock_release_method}, {"with", lock_with_method}, {NULL, NULL},
};

static const luaL_Reg rlock_methods[] = {
    {"acquire", lock_acquire_method}, {"held", rlock_held},           {"hold", lock_hold_method},
    {"locked", lock_locked_method},   {"release", lock_release_method}, {"with", lock_with_method},
    {NULL, NULL},
};

static const luaL_Reg lock_meta[] = {{"__close", lock_close_method}, {NULL, NULL}};

const ObjectType lock_type = {.name = "gilua.Lock", .size = sizeof(LockObject), .methods = lock_methods, .meta = lock_meta,
                              .describe = describe};
const ObjectType rlock_type = {.name = "gilua.RLock", .size = sizeof(LockObject), .methods = rlock_methods, .meta = lock_meta,
                               .describe = describe};

static int new_lock(lua_State *L) {
  object_check_last(L, 0);
  object_new(L, &lock_type, 0);
  return 1;
}

Lock *sync_new_rlock(lua_State *L) {
  LockObject *o = object_new(L, &rlock_type, 0);
  o->lock.recursive = true;
  return &o->lock;
}

static int new_rlock(lua_State *L) {
  object_check_last(L, 0);
  sync_new_rlock(L);
  return 1;
}

void lib_lock_add(lua_State *L) {
  static const luaL_Reg funcs[] = {{"Lock", new_lock}, {"RLock", new_rlock}, {NULL, NULL}};
  luaL_setfuncs(L, funcs, 0);
}
