/* multiprocessing.Lock() and RLock(): between processes and their threads.
 *
 *   lock:acquire([blocking = true [, timeout]]) -> boolean     lock:release()     lock:locked() -> boolean
 *   local _ <close> = lock:hold()                              lock:with(f, ...) -> results of f(...)
 *
 * A lock whose process died is free: whoever acquires it next gets `true, "abandoned"`, and hold() has "abandoned" as second
 * result. What the lock protects may be half changed then. That a process died is seen within a tenth of a second.
 */
#include "pool/multiprocessing/shared_handle.h"
#include "runtime/shared/lock.h"
#include "runtime/sync/lib_sync.h"

static inline SharedLock *lock_of(const SharedHandle *h) { return (SharedLock *)h->s.object; }

static SharedHandle *check_other(lua_State *L, int i) {
  SharedHandle *h = object_test(L, i, &shared_rlock_type);
  if (h != NULL) return shared_ready(L, h);
  h = object_test(L, i, &shared_condition_type);
  luaL_argexpected(L, h != NULL, i, "Lock, RLock or Condition of gilua.multiprocessing");
  shared_ready(L, h);
  lua_getiuservalue(L, i, 1);
  h = object_test(L, -1, &shared_rlock_type);
  if (h == NULL) h = object_check(L, -1, &shared_lock_type);
  lua_pop(L, 1); /* the Condition keeps it */
  return shared_ready(L, h);
}

SharedHandle *shared_check_lock(lua_State *L, int i) {
  SharedHandle *h = object_test(L, i, &shared_lock_type);
  return h != NULL ? shared_ready(L, h) : check_other(L, i);
}

/* What an RLock calls its taker; 0 for a Lock. */
static uint32_t thread_for(const SharedHandle *h, const Tstate *ts) {
  if (h->head.type == &shared_lock_type) return 0;
  return (uint32_t)atomic_load_explicit(&ts->gil.tid, memory_order_relaxed);
}

static bool try(SharedHandle *h, uint32_t thread) {
  if (slock_try(lock_of(h), thread)) return true;
  if (thread == 0 || !slock_mine(lock_of(h), thread)) return false;
  lock_of(h)->depth++;
  return true;
}

/* Pushes nothing; false on timeout. */
static bool take(lua_State *L, Tstate *ts, SharedHandle *h, int64_t deadline, bool *abandoned) {
  uint32_t thread = thread_for(h, ts);
  *abandoned = false;
  return try(h, thread) || park_check(L, ts, slock_wait(ts, &h->s, thread, deadline, abandoned));
}

int shared_lock_acquire(lua_State *L) {
  SharedHandle *h = shared_check_lock(L, 1);
  Tstate *ts = park_self(L);
  int64_t deadline = CLOCK_NEVER;
  bool abandoned;
  if (lua_gettop(L) > 1 && !sync_acquire_args(L, &deadline)) deadline = 0;
  lua_pushboolean(L, take(L, ts, h, deadline, &abandoned));
  if (!abandoned) return 1;
  lua_pushliteral(L, "abandoned");
  return 2;
}

int shared_lock_release(lua_State *L) {
  SharedHandle *h = shared_check_lock(L, 1);
  Tstate *ts = park_self(L);
  SharedLock *l = lock_of(h);
  uint32_t thread = thread_for(h, ts);
  if (thread == 0 && (atomic_load_explicit(&l->word, memory_order_relaxed) & ~SHARED_WAITED) == 0)
    return luaL_error(L, "release of a Lock that is not held");
  if (thread != 0 && !slock_mine(l, thread)) return luaL_error(L, "release of an RLock that this thread does not hold");
  if (thread != 0 && --l->depth > 0) return 0;
  slock_release(ts, &h->s);
  return 0;
}

/* __close: what another process took since is not given back. */
static int lock_close(lua_State *L) {
  SharedHandle *h = shared_check_lock(L, 1);
  uint64_t owner = atomic_load_explicit(&lock_of(h)->word, memory_order_relaxed) & ~SHARED_WAITED;
  if (owner == 0 || owner == shared_self()) return shared_lock_release(L);
  return luaL_error(L, "the end of a block would release a Lock that process %d has taken meanwhile",
                    (int)(owner & INT32_MAX));
}

int shared_lock_locked(lua_State *L) {
  lua_pushboolean(L, slock_held(lock_of(shared_check_lock(L, 1))));
  return 1;
}

int shared_lock_hold(lua_State *L) {
  SharedHandle *h = shared_check_lock(L, 1);
  Tstate *ts = park_self(L);
  bool abandoned;
  take(L, ts, h, CLOCK_NEVER, &abandoned);
  ts->just_held = true;
  lua_settop(L, 1);
  if (!abandoned) return 1;
  lua_pushliteral(L, "abandoned");
  return 2;
}

int shared_lock_with(lua_State *L) {
  SharedHandle *h = shared_check_lock(L, 1);
  Tstate *ts = park_self(L);
  bool abandoned;
  object_check_callable(L, 2);
  take(L, ts, h, CLOCK_NEVER, &abandoned);
  return sync_with(L);
}

static int rlock_held(lua_State *L) {
  SharedHandle *h = shared_check(L, 1, &shared_rlock_type);
  lua_pushboolean(L, slock_mine(lock_of(h), thread_for(h, park_self(L))));
  return 1;
}

static const luaL_Reg lock_methods[] = {{"acquire", shared_lock_acquire}, {"hold", shared_lock_hold},
                                        {"locked", shared_lock_locked},   {"release", shared_lock_release},
                                        {"with", shared_lock_with},       {NULL, NULL}};

static const luaL_Reg rlock_methods[] = {{"acquire", shared_lock_acquire}, {"held", rlock_held},
                                         {"hold", shared_lock_hold},       {"locked", shared_lock_locked},
                                         {"release", shared_lock_release}, {"with", shared_lock_with},
                                         {NULL, NULL}};

static const luaL_Reg lock_meta[] = {
    {"__close", lock_close}, {"__gc", shared_collect}, {"__reduce", shared_reduce}, {NULL, NULL}};

const ObjectType shared_lock_type = {
    .name = "gilua.multiprocessing.Lock", .size = sizeof(SharedHandle), .methods = lock_methods, .meta = lock_meta,
    .describe = shared_describe};
const ObjectType shared_rlock_type = {
    .name = "gilua.multiprocessing.RLock", .size = sizeof(SharedHandle), .methods = rlock_methods, .meta = lock_meta,
    .describe = shared_describe};

static int new_lock(lua_State *L) {
  object_check_last(L, 0);
  shared_push_new(L, SHARED_LOCK, sizeof(SharedLock));
  return 1;
}

static int new_rlock(lua_State *L) {
  object_check_last(L, 0);
  shared_push_new(L, SHARED_RLOCK, sizeof(SharedLock));
  return 1;
}

void lib_shared_lock_add(lua_State *L) {
  static const luaL_Reg funcs[] = {{"Lock", new_lock}, {"RLock", new_rlock}, {NULL, NULL}};
  luaL_setfuncs(L, funcs, 0);
}
