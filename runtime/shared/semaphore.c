/* See semaphore.h. */
#include "runtime/shared/semaphore.h"

#define BALANCE_KEPT ((SharedId)1 << 63)

typedef struct SemaphoreWait {
  SharedWait w;
  bool abandoned; /* a dead process had it */
} SemaphoreWait;

static SharedSemaphore *semaphore_of(const Shared *s) { return (SharedSemaphore *)s->object; }

int64_t ssemaphore_value(const SharedSemaphore *m) {
  int64_t value = m->initial;
  for (int i = 0; i < BALANCES; i++)
    if (atomic_load_explicit(&m->balances[i].id, memory_order_relaxed) != 0) value -= m->balances[i].taken;
  return value;
}

static void finish_move(SharedSemaphore *m) {
  uint32_t moving = atomic_load_explicit(&m->moving, memory_order_relaxed);
  Balance *last = &m->balances[BALANCES - 1];
  if (moving == 0) return;
  last->taken = m->sum;
  atomic_store_explicit(&last->id, BALANCE_KEPT, memory_order_release);
  m->balances[moving - 1].taken = 0;
  atomic_store_explicit(&m->balances[moving - 1].id, 0, memory_order_release);
  atomic_store_explicit(&m->moving, 0, memory_order_release);
}

static void recover(Shared *s) { finish_move(semaphore_of(s)); }

static void move_to_last(SharedSemaphore *m, Balance *b) {
  const Balance *last = &m->balances[BALANCES - 1];
  bool used = atomic_load_explicit(&last->id, memory_order_relaxed) != 0;
  m->sum = b->taken + (used ? last->taken : 0);
  atomic_store_explicit(&m->moving, (uint32_t)(b - m->balances) + 1, memory_order_release);
  finish_move(m);
}

/* The calling process's balance, or a free one, or NULL. */
static Balance *find_mine(SharedSemaphore *m) {
  Balance *free = NULL;
  for (Balance *b = m->balances; b < &m->balances[BALANCES - 1]; b++) {
    SharedId id = atomic_load_explicit(&b->id, memory_order_relaxed);
    if (id == shared_self()) return b;
    if (free == NULL && (id == 0 || b->taken == 0)) free = b;
  }
  return free;
}

/* What the dead had comes back. Returns whether something did. */
static bool sweep(SharedSemaphore *m) {
  bool back = false;
  for (Balance *b = m->balances; b < m->balances + BALANCES; b++) {
    SharedId id = atomic_load_explicit(&b->id, memory_order_relaxed);
    if (id == 0 || id == BALANCE_KEPT || b->taken <= 0 || shared_alive(id)) continue;
    int64_t room = m->initial - ssemaphore_value(m), kept = b->taken > room ? b->taken - (room > 0 ? room : 0) : 0;
    back |= kept < b->taken;
    b->taken = kept; /* the commit: done again it changes nothing */
    atomic_store_explicit(&b->id, BALANCE_KEPT, memory_order_release);
  }
  return back;
}

/* Balances of the dead that cannot come back make room: what they had taken beyond what is missing, or released. */
static void make_room(SharedSemaphore *m) {
  sweep(m);
  for (Balance *b = m->balances; b < &m->balances[BALANCES - 1]; b++) {
    SharedId id = atomic_load_explicit(&b->id, memory_order_relaxed);
    if (b->taken != 0 && (id == BALANCE_KEPT || !shared_alive(id))) move_to_last(m, b);
  }
}

static Balance *mine(SharedSemaphore *m) {
  Balance *b = find_mine(m), *last = &m->balances[BALANCES - 1];
  if (b == NULL) {
    make_room(m);
    b = find_mine(m);
  }
  if (b != NULL && atomic_load_explicit(&b->id, memory_order_relaxed) == shared_self()) return b;
  if (b != NULL) b->taken = 0;
  if (b == NULL && atomic_load_explicit(&last->id, memory_order_relaxed) == 0) last->taken = 0;
  atomic_store_explicit(b != NULL ? &b->id : &last->id, b != NULL ? shared_self() : BALANCE_KEPT, memory_order_release);
  return b != NULL ? b : last;
}

static bool try_take(SharedWait *w, bool look) {
  SharedSemaphore *m = semaphore_of(w->handle);
  bool back = false;
  int64_t value = ssemaphore_value(m);
  if (value <= 0 && look) {
    back = sweep(m);
    value = ssemaphore_value(m);
  }
  if (value <= 0) return false;
  mine(m)->taken++;
  if (value > 1) places_grant(&m->places, 0, 1, &w->woken); /* several came back at once, or their wakes were lost */
  ((SemaphoreWait *)w)->abandoned |= back;
  return true;
}

static bool give_back(Tstate *ts, SharedWait *w) {
  bool refused = false;
  return ssemaphore_release(ts, w->handle, 1, &refused) == PARK_GRANTED && !refused;
}

ParkResult ssemaphore_wait(Tstate *ts, Shared *s, int64_t deadline, bool *abandoned) {
  SemaphoreWait sw = {.w = {.handle = s,
                            .places = &semaphore_of(s)->places,
                            .try = try_take,
                            .recover = recover,
                            .what = "shared Semaphore",
                            .deadline = deadline,
                            .give_back = give_back}};
  ParkResult result = shared_wait(ts, &sw.w);
  *abandoned = sw.abandoned;
  return result;
}

ParkResult ssemaphore_release(Tstate *ts, Shared *s, int64_t n, bool *refused) {
  SharedSemaphore *m = semaphore_of(s);
  Woken woken = {{0}};
  ParkResult result = shared_enter(ts, s, recover);
  if (result != PARK_GRANTED) return result;
  int64_t value = ssemaphore_value(m);
  bool bounded = atomic_load_explicit(&m->o.kind, memory_order_relaxed) == SHARED_BOUNDED_SEMAPHORE;
  *refused = n > (bounded ? m->initial : INT64_MAX / 2) - value;
  if (!*refused) {
    mine(m)->taken -= n;
    places_grant(&m->places, 0, n < WAIT_PLACES ? (unsigned)n : WAIT_PLACES, &woken);
  }
  shared_leave(s, &m->places, &woken);
  return PARK_GRANTED;
}

static SharedEvent *event_of(const Shared *s) { return (SharedEvent *)s->object; }

static bool try_event(SharedWait *w, bool look) {
  (void)look;
  return w->granted || atomic_load_explicit(&event_of(w->handle)->set, memory_order_relaxed) != 0; /* set, and cleared since */
}

ParkResult sevent_wait(Tstate *ts, Shared *s, int64_t deadline) {
  SharedEvent *e = event_of(s);
  if (atomic_load_explicit(&e->set, memory_order_acquire) != 0) return PARK_GRANTED;
  SharedWait w = {.handle = s, .places = &e->places, .try = try_event, .what = "shared Event", .deadline = deadline, .stands = true};
  return shared_wait(ts, &w);
}

ParkResult sevent_set(Tstate *ts, Shared *s, bool set) {
  SharedEvent *e = event_of(s);
  Woken woken = {{0}};
  ParkResult result = shared_enter(ts, s, NULL);
  if (result != PARK_GRANTED) return result;
  atomic_store_explicit(&e->set, set, memory_order_release);
  if (set) places_grant(&e->places, 0, WAIT_PLACES, &woken);
  shared_leave(s, &e->places, &woken);
  return PARK_GRANTED;
}
