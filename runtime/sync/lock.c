/* The slow half of lock.h. */
#include "runtime/sync/lock.h"

ParkResult lock_acquire(Tstate *ts, Lock *lock, int64_t deadline) {
  if (lock_try(ts, lock)) return PARK_GRANTED;
  return park(ts, &lock->waiters, deadline, lock->recursive ? "rlock" : "lock", lock);
}

lua_Integer lock_release_all(Tstate *ts, Lock *lock) {
  lua_Integer depth = lock->depth;
  lock->depth = 1;
  lock_release(ts, lock);
  return depth;
}
