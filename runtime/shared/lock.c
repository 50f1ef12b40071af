/* See lock.h. */
#include "runtime/shared/lock.h"

#include <sched.h>

/* For the guard: after that nobody is told, and the waiters look for themselves. */
static const int64_t TELL_NS = 2 * GUARD_LOOK_NS;

static SharedLock *lock_of(const Shared *s) { return (SharedLock *)s->object; }

static void own(SharedLock *l, uint32_t thread) {
  if (thread == 0) return;
  atomic_store_explicit(&l->thread, thread, memory_order_relaxed);
  l->depth = 1;
}

static bool try_take(SharedWait *w, bool look) {
  SharedLockWait *lw = (SharedLockWait *)w;
  SharedLock *l = lock_of(w->handle);
  for (;;) {
    uint64_t seen = atomic_load_explicit(&l->word, memory_order_relaxed), owner = seen & ~SHARED_WAITED;
    uint64_t mark = places_any(&l->places) ? SHARED_WAITED : 0; /* this waiter's own place may be all: that costs a release */
    bool dead = owner != 0 && (look || owner == l->dead) && !shared_alive(owner);
    if (owner == 0 || dead) {
      if (!atomic_compare_exchange_strong_explicit(&l->word, &seen, shared_self() | mark, memory_order_acquire,
                                                   memory_order_relaxed))
        continue;
      own(l, lw->thread);
      lw->abandoned |= dead;
      if (dead) lw->dead = owner;
      return true;
    }
    if (w->deadline <= 0 || (seen & SHARED_WAITED) != 0 ||
        atomic_compare_exchange_strong_explicit(&l->word, &seen, seen | SHARED_WAITED, memory_order_relaxed,
                                                memory_order_relaxed))
      return false;
  }
}

bool slock_held(const SharedLock *l) {
  uint64_t owner = atomic_load_explicit(&l->word, memory_order_acquire) & ~SHARED_WAITED;
  return owner != 0 && shared_alive(owner);
}

/* Gives a waiter that has waited for long the time to come: whoever takes and releases in a loop would always be first. */
static void let_go_first(SharedLock *l) {
  for (int64_t until = clock_ns() + LOCK_YIELD_NS; clock_ns() < until; sched_yield())
    if ((atomic_load_explicit(&l->word, memory_order_relaxed) & ~SHARED_WAITED) != 0) return;
}

/* It is nobody's, or that dead process's again. Returns whether somebody may wait. */
static bool give_up(SharedLock *l, uint64_t dead) {
  uint64_t seen = atomic_load_explicit(&l->word, memory_order_relaxed);
  atomic_store_explicit(&l->thread, 0, memory_order_relaxed);
  while (!atomic_compare_exchange_weak_explicit(&l->word, &seen, (seen & SHARED_WAITED) | dead, memory_order_release,
                                                memory_order_relaxed))
    continue;
  return (seen & SHARED_WAITED) != 0;
}

/* With the guard, which it leaves. Whoever is told is awake and marks the word again unless it is alone: until then releases
 * are short ones. */
static void tell(Shared *s, SharedLock *l) {
  Woken woken = {{0}};
  const Place *first = places_first(&l->places, 0);
  bool waits_long = first != NULL && clock_ns() - first->since > LOCK_FAIR_NS;
  if (places_grant(&l->places, 0, 1, &woken) > 0 || !places_any(&l->places))
    atomic_fetch_and_explicit(&l->word, ~SHARED_WAITED, memory_order_relaxed);
  shared_leave(s, &l->places, &woken);
  if (waits_long) let_go_first(l);
}

static void release_to(Tstate *ts, Shared *s, uint64_t dead) {
  SharedLock *l = lock_of(s);
  if (!give_up(l, dead) || !shared_enter_soon(ts, s, clock_ns() + TELL_NS)) return;
  if (dead != 0) l->dead = dead;
  tell(s, l);
}

void slock_release(Tstate *ts, Shared *s) { release_to(ts, s, 0); }

void slock_release_outside(Shared *s) {
  SharedLock *l = lock_of(s);
  if (give_up(l, 0) && guard_wait(&s->object->guard, clock_ns() + TELL_NS, NULL) != GUARD_BUSY) tell(s, l);
}

/* What is abandoned stays so, for the next one. */
static bool give_back(Tstate *ts, SharedWait *w) {
  const SharedLockWait *lw = (const SharedLockWait *)w;
  release_to(ts, w->handle, lw->abandoned ? lw->dead : 0);
  return true;
}

static ParkResult wait_for(Tstate *ts, Shared *s, uint32_t thread, int64_t deadline, bool shielded, bool *abandoned) {
  SharedLockWait lw = {.w = {.handle = s,
                             .places = &lock_of(s)->places,
                             .try = try_take,
                             .what = thread != 0 ? "shared RLock" : "shared Lock",
                             .owner = &lock_of(s)->word,
                             .deadline = deadline,
                             .shielded = shielded,
                             .give_back = give_back},
                       .thread = thread};
  ParkResult result = shared_wait(ts, &lw.w);
  *abandoned = lw.abandoned;
  return result;
}

ParkResult slock_wait(Tstate *ts, Shared *s, uint32_t thread, int64_t deadline, bool *abandoned) {
  return wait_for(ts, s, thread, deadline, false, abandoned);
}

ParkResult slock_take_again(Tstate *ts, Shared *s, uint32_t thread, bool *abandoned) {
  return wait_for(ts, s, thread, CLOCK_NEVER, true, abandoned);
}
