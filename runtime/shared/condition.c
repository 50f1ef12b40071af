/* See condition.h. */
#include "runtime/shared/condition.h"

typedef struct ConditionWait {
  SharedWait w;
  Shared *lock;
  bool released;
} ConditionWait;

static SharedCondition *condition_of(const Shared *s) { return (SharedCondition *)s->object; }

static bool is_granted(Place *x) { return atomic_load_explicit(&x->state, memory_order_relaxed) == PLACE_GRANTED; }

/* The next one is told before the dead one's place is free: a death between tells one more, and takes nothing away. */
static void pass_on_of_dead(Places *p, Woken *woken) {
  for (int i = 0; i < WAIT_PLACES; i++) {
    Place *x = &p->places[i];
    if (!is_granted(x) || shared_alive(atomic_load_explicit(&x->id, memory_order_relaxed))) continue;
    places_pass(p, 0, x->told, woken);
    atomic_store_explicit(&x->state, PLACE_FREE, memory_order_release); /* still marked as used: places_first */
  }
}

static bool try_notified(SharedWait *w, bool look) {
  if (w->granted) return true;
  if (look) pass_on_of_dead(w->places, &w->woken);
  return look && w->place >= 0 && is_granted(&w->places->places[w->place]);
}

static void give_lock(SharedWait *w) {
  ConditionWait *cw = (ConditionWait *)w;
  slock_release_outside(cw->lock);
  cw->released = true;
}

ParkResult scondition_wait(Tstate *ts, Shared *s, Shared *lock, int64_t deadline, bool *kept, bool *full, uint32_t *told) {
  ConditionWait cw = {.w = {.handle = s,
                            .places = &condition_of(s)->places,
                            .try = try_notified,
                            .what = "shared Condition",
                            .deadline = deadline,
                            .bound = true,
                            .stands = true,
                            .placed = give_lock},
                      .lock = lock};
  ParkResult result = shared_wait(ts, &cw.w);
  *kept = !cw.released;
  *full = cw.w.full;
  *told = cw.w.told;
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

bool scondition_pass(Tstate *ts, Shared *s, uint32_t told) {
  Woken woken = {{0}};
  if (shared_enter(ts, s, NULL) != PARK_GRANTED) return false;
  places_pass(&condition_of(s)->places, 0, told, &woken);
  shared_leave(s, &condition_of(s)->places, &woken);
  return true;
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

/* Without the guard, which somebody has who stands still: those who wait look now and then, and end the generation. */
static void break_soon(SharedBarrier *b) { atomic_store_explicit(&b->broken, 1, memory_order_release); }

/* A wait that was late breaks the barrier; one that is to raise something takes its arrival back. Unless all came meanwhile:
 * true. */
static bool leave_barrier(Tstate *ts, Shared *s, BarrierWait *bw, bool late) {
  SharedBarrier *b = barrier_of(s);
  Woken woken = {{0}};
  if (!shared_enter_soon(ts, s, clock_ns() + ENTER_NS)) {
    break_soon(b);
    return false;
  }
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
  if (result == PARK_TIMEOUT && leave_barrier(ts, s, &bw, true)) result = PARK_GRANTED;
  else if (result != PARK_GRANTED && result != PARK_TIMEOUT && bw.arrived) leave_barrier(ts, s, &bw, false);
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
static bool pass(SharedBarrier *b, Woken *woken) {
  bool runs = atomic_load_explicit(&b->runner, memory_order_relaxed) == shared_self();
  if (runs) end_generation(b, false, woken);
  return runs;
}

static void reset(SharedBarrier *b, Woken *woken) {
  atomic_store_explicit(&b->broken, 0, memory_order_release);
  if (sbarrier_waiting(b) > 0) end_generation(b, true, woken);
}

ParkResult sbarrier_pass(Tstate *ts, Shared *s, bool *broken) {
  Woken woken = {{0}};
  ParkResult result = shared_enter(ts, s, NULL);
  if (result != PARK_GRANTED) { /* it raises now, and the others would wait for this one's action */
    break_soon(barrier_of(s));
    return result;
  }
  *broken = !pass(barrier_of(s), &woken);
  shared_leave(s, &barrier_of(s)->places, &woken);
  return PARK_GRANTED;
}

ParkResult sbarrier_break(Tstate *ts, Shared *s) {
  ParkResult result = change(ts, s, break_it);
  if (result != PARK_GRANTED) break_soon(barrier_of(s));
  return result;
}

ParkResult sbarrier_reset(Tstate *ts, Shared *s) { return change(ts, s, reset); }
