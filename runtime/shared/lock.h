/* Lock and RLock between processes.
 *
 * The word is as in guard.h: who has it, and whether somebody waits. A free lock is taken, and one that nobody waits for is
 * released, by one compare-exchange. So is one that others wait for: nothing prevents a release. All else happens under the
 * object's guard:
 *
 *   0 -> id, WAITED -> id | WAITED      slock_try, or a waiter         acquire
 *   id -> 0                             slock_release                   release
 *   id | WAITED -> WAITED               slock_release; then, unless somebody stands still with the guard (waiters look now and then):
 *   … | WAITED -> …                     the first is told, or there is nobody. Who is told is awake and marks the word again,
 *                                       unless it is alone: until then releases are short
 *   dead -> id                          a waiter that looked: it gets the lock abandoned
 *   id -> dead                          that waiter, if it is to raise something instead; it tells the first
 *
 * Whoever releases a lock whose first waiter has waited for LOCK_FAIR_NS gives that time to come.
 */
#ifndef GILUA_RUNTIME_SHARED_LOCK_H
#define GILUA_RUNTIME_SHARED_LOCK_H

#include "runtime/shared/wait.h"

static const int64_t LOCK_FAIR_NS = 1000000, LOCK_YIELD_NS = 100000;

typedef struct SharedLock {
  SharedObject o;
  _Atomic uint64_t word;
  _Atomic uint32_t thread; /* RLock: of its process, that has it, 0: it changes hands; relaxed: only its own value counts */
  uint32_t depth;          /* RLock: of whoever has it */
  uint64_t dead;           /* [guard] an owner that was found dead: who is told looks at it at once */
  Places places;
} SharedLock;

typedef struct SharedLockWait {
  SharedWait w;
  uint32_t thread;
  bool abandoned; /* its owner died */
  uint64_t dead;  /* that owner */
} SharedLockWait;

/* slock_try takes a free one. thread is that of an RLock's taker, 0 for a Lock. */
static inline bool slock_try(SharedLock *l, uint32_t thread) {
  uint64_t seen = atomic_load_explicit(&l->word, memory_order_relaxed);
  if ((seen & ~SHARED_WAITED) != 0 ||
      !atomic_compare_exchange_strong_explicit(&l->word, &seen, seen | shared_self(), memory_order_acquire, memory_order_relaxed))
    return false;
  if (thread != 0) {
    atomic_store_explicit(&l->thread, thread, memory_order_relaxed);
    l->depth = 1;
  }
  return true;
}

/* slock_mine tells whether that thread of this process has an RLock. */
static inline bool slock_mine(const SharedLock *l, uint32_t thread) {
  return atomic_load_explicit(&l->thread, memory_order_relaxed) == thread &&
         (atomic_load_explicit(&l->word, memory_order_relaxed) & ~SHARED_WAITED) == shared_self();
}

/* slock_wait takes it, however long that takes. */
ParkResult slock_wait(Tstate *ts, Shared *s, uint32_t thread, int64_t deadline, bool *abandoned);

/* slock_held tells whether a living process has it. */
bool slock_held(const SharedLock *l);

/* slock_release gives it up wholly, whoever has it. It may leave the interpreter lock for some milliseconds. */
void slock_release(Tstate *ts, Shared *s);

/* slock_release_outside does that without the interpreter lock. slock_take_again takes it, after a
 * Condition's wait: no request ends that. */
void slock_release_outside(Shared *s);
ParkResult slock_take_again(Tstate *ts, Shared *s, uint32_t thread, bool *abandoned);

#endif
