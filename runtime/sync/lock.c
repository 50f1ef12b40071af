/* The slow half of lock.h. */
#include "runtime/sync/lock.h"

void lock_unnote_slow(Tstate *ts, const Lock *lock) {
  Tstate *holder = lock->holder == ts->ident ? ts : tstate_find(ts->rt, lock->holder);
  if (holder == NULL || holder->nheld == 0) return;
  unsigned n = holder->nheld < HELD_SHOWN ? holder->nheld : HELD_SHOWN;
  for (unsigned i = n; i-- > 0;) {
    if (holder->held[i] != lock_noted(lock)) continue;
    for (; i + 1 < n; i++) holder->held[i] = holder->held[i + 1];
    break;
  }
  holder->nheld--;
}

bool lock_claim(Tstate *ts, Waiter *w) { return lock_try(ts, (Lock *)w->object); }

ParkResult lock_acquire(Tstate *ts, Lock *lock, int64_t deadline) {
  if (lock_try(ts, lock)) return PARK_GRANTED;
  ParkResult result = park_claim(ts, &lock->waiters, deadline, lock->recursive ? "rlock" : "lock", lock, lock_claim);
  if (result != PARK_GRANTED || !park_leaves(ts)) return result;
  lock_release(ts, lock);
  return PARK_REQUESTED;
}

lua_Integer lock_release_all(Tstate *ts, Lock *lock) {
  lua_Integer depth = lock->depth;
  lock->depth = 1;
  lock_release(ts, lock);
  return depth;
}
