/* Lock and RLock: mutual exclusion between Lua threads.
 *
 * Plain data under the interpreter lock, so an uncontended acquire is a compare and a store. A release with waiters
 * hands the lock to the first of them, and the thread that released lets it run one VM instruction later. So a queue
 * of waiters drains in as many switches as it is long, instead of turning every later acquire into a switch.
 *
 *            Lock                                       RLock
 *   state    acquire        release                     acquire by owner / by another    release by owner / by another
 *   free     taken          error: not held             taken                            error: not held
 *   held     waits          free, or given to the       depth + 1 / waits                depth - 1; at 0 as for Lock /
 *                           first waiter; any thread                                     error: not the owner
 */
#ifndef GILUA_RUNTIME_SYNC_LOCK_H
#define GILUA_RUNTIME_SYNC_LOCK_H

#include "runtime/state/order.h"
#include "runtime/sync/park.h"

typedef struct Lock {
  lua_Integer holder; /* [G] ident of the thread that got it, 0 when free; first, see deadlock.h */
  lua_Integer depth;  /* [G] RLock: how often the holder has it; Lock: 1 when held */
  bool recursive;     /* [i] an RLock */
  bool warned;        /* [G] a Lock that was seen in a cycle of waits */
  const void *taken_in; /* [G] the coroutine that got it, for reports; never followed */
  Waitq waiters;      /* [G] empty when free */
} Lock;

/* What a thread holds is noted in its state as plain addresses, for dumps: a lock may be collected while it is held, so
 * nobody follows them. lock_noted is such an address; lock_unnote_slow is for what was not taken last. */
static inline const void *lock_noted(const Lock *lock) { return (const char *)lock + lock->recursive; }

static inline void lock_note(Tstate *ts, const Lock *lock) {
  if (ts->nheld < HELD_SHOWN) ts->held[ts->nheld] = lock_noted(lock);
  ts->nheld++;
}

void lock_unnote_slow(Tstate *ts, const Lock *lock);

static inline void lock_unnote(Tstate *ts, const Lock *lock) {
  unsigned last = ts->nheld - 1;
  if (lock->holder == ts->ident && last < HELD_SHOWN && ts->held[last] == lock_noted(lock)) ts->nheld = last;
  else lock_unnote_slow(ts, lock);
}

/* lock_try takes the lock if that is possible at once. */
static inline bool lock_try(Tstate *ts, Lock *lock) {
  if (lock->holder == 0) {
    lock->holder = ts->ident;
    lock->depth = 1;
    lock->taken_in = ts->current;
    lock_note(ts, lock);
    order_acquire(ts, lock);
    return true;
  }
  if (!lock->recursive || lock->holder != ts->ident) return false;
  lock->depth++;
  return true;
}

/* lock_claim is lock_try for w, whose object is the lock: see park_claim. */
bool lock_claim(Tstate *ts, Waiter *w);

/* lock_acquire takes the lock, waiting until deadline. Needs the interpreter lock; drops it while it waits. */
ParkResult lock_acquire(Tstate *ts, Lock *lock, int64_t deadline);

/* lock_release gives back one acquire. The caller has checked lock_releasable. */
static inline void lock_release(Tstate *ts, Lock *lock) {
  if (--lock->depth > 0) return;
  lock_unnote(ts, lock);
  order_release(ts, lock);
  lock->holder = 0;
  if (waitq_empty(&lock->waiters)) return;
  Tstate *next = park_grant_first(ts, &lock->waiters, true);
  lock->holder = next->ident;
  lock->depth = 1;
  lock->taken_in = next->current;
  lock_note(next, lock);
}

/* lock_releasable tells whether ts may release: a Lock that is held, an RLock that it holds. */
static inline bool lock_releasable(const Tstate *ts, const Lock *lock) {
  return lock->recursive ? lock->holder == ts->ident : lock->holder != 0;
}

/* lock_release_all gives back every acquire of the holder and returns how many; lock_restore, called when the lock was
 * got again, puts them back. For Condition. */
lua_Integer lock_release_all(Tstate *ts, Lock *lock);
static inline void lock_restore(Lock *lock, lua_Integer depth) { lock->depth = depth; }

#endif
