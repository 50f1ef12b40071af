/* See condition.h. */
#include "runtime/shared/condition.h"

typedef struct ConditionWait {
  SharedWait w;
  Shared *lock;
  bool released;
} ConditionWait;

static SharedCondition *condition_of(const Shared *s) { return (SharedCondition *)s->object; }

/* A notification of a dead process, taken over. */
static bool take_over(Places *p) {
  for (int i = 0; i < WAIT_PLACES; i++) {
    Place *x = &p->places[i];
    if (atomic_load_explicit(&x->state, memory_order_relaxed) != PLACE_GRANTED ||
        shared_alive(atomic_load_explicit(&x->id, memory_order_relaxed)))
      continue;
    atomic_store_explicit(&x->state, PLACE_FREE, memory_order_release); /* still marked as used: find_place */
    return true;
  }
  return false;
}

static bool try_notified(SharedWait *w, bool look) {
  if (w->granted) return true;
  return look && ((ConditionWait *)w)->released && take_over(w->places);
}

static void give_lock(SharedWait *w) {
  ConditionWait *cw = (ConditionWait *)w;
  slock_release_outside(cw->lock);
  cw->released = true;
}

ParkResult scondition_wait(Tstate *ts, Shared *s, Shared *lock, int64_t deadline, bool *kept, bool *full) {
  ConditionWait cw = {.w = {.handle = s,
                            .places = &condition_of(s)->places,
                            .try = try_notified,
                            .what = "shared Condition",
                            .deadline = deadline,
                            .bound = true,
                            .placed = give_lock},
                      .lock = lock};
  ParkResult result = shared_wait(ts, &cw.w);
  *kept = !cw.released;
  *full = cw.w.full;
  return result;
}

ParkResult scondition_notify(Tstate *ts, Shared *s, unsigned n) {
  Woken woken = {{0}};
  ParkResult result = shared_enter(ts, s, NULL);
  if (result != PARK_GRANTED) return result;
  places_grant(&condition_of(s)->places, 0, n, &woken);
  shared_leave(s, &condition_of(s)->places, &woken);
  return PARK_GRANTED;
}

typedef struct BarrierWait {
  SharedWait w;
  bool action, arrived, last, broken;
  uint32_t generation, index;
} BarrierWait;

static SharedBarrier *barrier_of(const Shared *s) { return (SharedBarrier *)s->object; }

static uint64_t state_of(const SharedBarrier *b) { return atomic_load_explicit(&b->state, memory_order_relaxed); }

uint32_t sbarrier_waiting(const SharedBarrier *b) { return (uint32_t)state_of(b); }

/* The generation ends; everybody looks. */
static void end_generation(SharedBarrier *b, bool broken, Woken *woken) {
  uint64_t generation = state_of(b) >> 32;
  b->outcomes[generation % OUTCOMES] = broken;
  atomic_store_explicit(&b->state, (generation + 1) << 32, memory_order_release);
  atomic_store_explicit(&b->runner, 0, memory_order_release);
  places_grant(&b->places, 0, WAIT_PLACES, woken);
}

static void break_it(SharedBarrier *b, Woken *woken) {
  atomic_store_explicit(&b->broken, 1, memory_order_release);
  end_generation(b, true, woken);
}

static bool arrive(BarrierWait *bw, SharedBarrier *b) {
  bw->generation = (uint32_t)(state_of(b) >> 32);
  bw->index = sbarrier_waiting(b) + 1;
  bw->arrived = true;
  bw->last = bw->index >= b->parties;
  if (bw->last && bw->action) atomic_store_explicit(&b->runner, shared_self(), memory_order_release);
  atomic_store_explicit(&b->state, state_of(b) + 1, memory_order_release);
  if (bw->last && !bw->action) end_generation(b, false, &bw->w.woken);
  return bw->last;
}

static bool try_barrier(SharedWait *w, bool look) {
  BarrierWait *bw = (BarrierWait *)w;
  SharedBarrier *b = barrier_of(w->handle);
  SharedId runner = atomic_load_explicit(&b->runner, memory_order_relaxed);
  if (look && runner != 0 && !shared_alive(runner)) {
    break_it(b, &w->woken);
    runner = 0;
  }
  if (bw->arrived && bw->generation != (uint32_t)(state_of(b) >> 32)) {
    bw->broken = b->outcomes[bw->generation % OUTCOMES] != 0;
    return true;
  }
  if (bw->arrived && atomic_load_explicit(&b->broken, memory_order_relaxed) != 0) { /* a death amid break_it */
    end_generation(b, true, &w->woken);
    bw->broken = true;
    return true;
  }
  if (bw->arrived) return false;
  bw->broken = atomic_load_explicit(&b->broken, memory_order_relaxed) != 0;
  return bw->broken || (runner == 0 && arrive(bw, b));
}

/* A wait that was late breaks the barrier; one that is to raise something takes its arrival back. Unless all came meanwhile:
 * true. */
static bool leave_barrier(Shared *s, BarrierWait *bw, bool late) {
  SharedBarrier *b = barrier_of(s);
  Woken woken = {{0}};
  if (guard_wait(&s->object->guard, clock_ns() + GUARD_LOOK_NS, NULL) == GUARD_BUSY) return false;
  bool over = bw->arrived && (uint32_t)(state_of(b) >> 32) != bw->generation;
  if (over) bw->broken = b->outcomes[bw->generation % OUTCOMES] != 0;
  else if (late) break_it(b, &woken);
  else if (bw->arrived) atomic_store_explicit(&b->state, state_of(b) - 1, memory_order_release);
  shared_leave(s, &b->places, &woken);
  return over;
}

ParkResult sbarrier_wait(Tstate *ts, Shared *s, bool action, int64_t deadline, uint32_t *index, bool *last, bool *broken) {
  BarrierWait bw = {.w = {.handle = s,
                          .places = &barrier_of(s)->places,
                          .try = try_barrier,
                          .what = "shared Barrier",
                          .deadline = deadline},
                    .action = action};
  ParkResult result = shared_wait(ts, &bw.w);
  if (result == PARK_TIMEOUT && leave_barrier(s, &bw, true)) result = PARK_GRANTED;
  else if (result == PARK_REQUESTED && bw.arrived) leave_barrier(s, &bw, false);
  *index = bw.index;
  *last = bw.last;
  *broken = bw.broken;
  return result;
}

static ParkResult change(Tstate *ts, Shared *s, void (*f)(SharedBarrier *b, Woken *woken)) {
  Woken woken = {{0}};
  ParkResult result = shared_enter(ts, s, NULL);
  if (result != PARK_GRANTED) return result;
  f(barrier_of(s), &woken);
  shared_leave(s, &barrier_of(s)->places, &woken);
  return PARK_GRANTED;
}

/* Not if it was broken or reset meanwhile. */
static void pass(SharedBarrier *b, Woken *woken) {
  if (atomic_load_explicit(&b->runner, memory_order_relaxed) == shared_self()) end_generation(b, false, woken);
}

static void reset(SharedBarrier *b, Woken *woken) {
  atomic_store_explicit(&b->broken, 0, memory_order_release);
  if (sbarrier_waiting(b) > 0) end_generation(b, true, woken);
}

ParkResult sbarrier_pass(Tstate *ts, Shared *s, bool *broken) {
  *broken = atomic_load_explicit(&barrier_of(s)->runner, memory_order_relaxed) != shared_self();
  return change(ts, s, pass);
}
ParkResult sbarrier_break(Tstate *ts, Shared *s) { return change(ts, s, break_it); }
ParkResult sbarrier_reset(Tstate *ts, Shared *s) { return change(ts, s, reset); }
