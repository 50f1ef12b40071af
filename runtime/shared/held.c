/* See held.h. */
#include "runtime/shared/held.h"

#include "runtime/shared/flight.h"

/* Objects that were asked already: each carries the one before it. */
enum { TRAIL = 64 };

typedef struct Trail {
  uint32_t seen[TRAIL];
  int n;
} Trail;

void held_set(_Atomic uint64_t *bits, unsigned member, bool on) {
  uint64_t bit = (uint64_t)1 << (member % 64), was = atomic_load_explicit(&bits[member / 64], memory_order_relaxed);
  atomic_store_explicit(&bits[member / 64], on ? was | bit : was & ~bit, memory_order_release);
}

static bool counts(Arena *a, _Atomic uint64_t *bits, int but, bool look) {
  for (unsigned i = 0; i < HOLD_WORDS; i++) {
    uint64_t word = atomic_load_explicit(&bits[i], memory_order_acquire);
    for (; word != 0; word &= word - 1) {
      unsigned member = i * 64 + (unsigned)__builtin_ctzll(word);
      if ((int)member != but && (!look || arena_member_alive(a, member))) return true;
    }
  }
  return false;
}

bool held_has_bits(Arena *a, SharedObject *o, int but, bool look) {
  return counts(a, o->holds, -1, look) || counts(a, o->inherited, but, look);
}

/* Is the extent i an object? An object's extent is its own. */
SharedObject *held_object(Arena *a, uint32_t i) {
  if (i == 0 || i > atomic_load_explicit(&a->head->count, memory_order_relaxed) ||
      atomic_load_explicit(&a->extents[i].owner, memory_order_relaxed) != extent_of_object(i))
    return NULL;
  SharedObject *o = shared_at(a, i);
  return atomic_load_explicit(&o->kind, memory_order_relaxed) != SHARED_NONE ? o : NULL;
}

bool held_only(Arena *a, SharedObject *o, unsigned member, int zygote) {
  if (o->lost != 0 || counts(a, o->holds, (int)member, true) || counts(a, o->inherited, zygote, true)) return false;
  for (uint32_t i = 0; i < a->head->flights_end; i++) {
    uint64_t carrier = flight_carrier(&a->head->flights[i]);
    if (carrier == 0 || a->head->flights[i].object != o->index) continue;
    if (flight_in_queue(carrier) || shared_alive(carrier)) return false;
  }
  return true;
}

static bool was_seen(const Trail *t, uint32_t index) {
  for (int i = 0; i < t->n; i++)
    if (t->seen[i] == index) return true;
  return false;
}

static bool reached(Arena *a, SharedObject *o, int but, bool look, Trail *t) {
  const ArenaHead *h = a->head;
  if (o->lost != 0 || held_has_bits(a, o, but, look) || t->n == TRAIL) return true;
  t->seen[t->n++] = o->index;
  for (uint32_t i = 0; i < h->flights_end; i++) {
    uint64_t carrier = flight_carrier(&h->flights[i]);
    if (carrier == 0 || h->flights[i].object != o->index) continue;
    if (carrier == FLIGHT_ELSEWHERE) return true;
    if (!flight_in_queue(carrier)) {
      if (!look || shared_alive(carrier)) return true;
      continue;
    }
    SharedObject *queue = held_object(a, (uint32_t)carrier);
    if (queue != NULL && !was_seen(t, queue->index) && reached(a, queue, but, look, t)) return true;
  }
  return false;
}

bool held_reached(Arena *a, SharedObject *o, int but, bool look) {
  Trail trail = {.n = 0};
  return reached(a, o, but, look, &trail);
}

static bool is_held(Arena *a, SharedObject *o) {
  return held_reached(a, o, -1, false) || (o->peer != 0 && held_reached(a, shared_at(a, o->peer), -1, false));
}

static void end_flights_of(Arena *a, uint32_t object) {
  for (uint32_t i = a->head->flights_end; i-- > 0;)
    if (a->head->flights[i].object == object && flight_carrier(&a->head->flights[i]) != 0)
      flight_end(a, &a->head->flights[i]);
}

/* A death amid this leaves an object that nobody can reach, and parts of it, until the arena ends. */
static void free_object(Arena *a, SharedObject *o) {
  uint32_t first = o->index, second = o->peer, n = atomic_load_explicit(&a->head->count, memory_order_relaxed);
  atomic_store_explicit(&o->kind, SHARED_NONE, memory_order_release);
  if (second != 0) atomic_store_explicit(&shared_at(a, second)->kind, SHARED_NONE, memory_order_release);
  end_flights_of(a, first);
  if (second != 0) end_flights_of(a, second);
  for (uint32_t i = 1; i <= n; i++) {
    uint64_t owner = atomic_load_explicit(&a->extents[i].owner, memory_order_relaxed);
    if (owner == extent_of_object(first) || (second != 0 && owner == extent_of_object(second))) arena_free(a, i);
  }
}

/* *alive: a process that is known to live. */
static bool is_carried(Arena *a, uint64_t carrier, bool look, SharedId *alive) {
  if (carrier == FLIGHT_ELSEWHERE) return true;
  if (flight_in_queue(carrier)) return held_object(a, (uint32_t)carrier) != NULL;
  if (!look || carrier == *alive) return true;
  if (!shared_alive(carrier)) return false;
  *alive = carrier;
  return true;
}

/* Ends flights whose carrier is gone, in a look also if it is a process, and frees what only they held: that may carry others. */
static void land_all(Arena *a, bool look) {
  SharedId alive = shared_self();
  for (bool again = true; again;) {
    again = false;
    for (uint32_t i = a->head->flights_end; i-- > 0;) {
      Flight *f = &a->head->flights[i];
      if (i >= a->head->flights_end || flight_carrier(f) == 0 || is_carried(a, flight_carrier(f), look, &alive)) continue;
      SharedObject *o = held_object(a, f->object);
      flight_end(a, f);
      if (o == NULL || is_held(a, o)) continue;
      free_object(a, o);
      again = true;
    }
  }
}

void held_free(Arena *a, SharedObject *o) {
  if (is_held(a, o)) return;
  free_object(a, o);
  land_all(a, false);
}

void held_land(Arena *a, uint32_t number) {
  Flight *f = flight_find(a, number);
  if (f == NULL) return;
  SharedObject *o = held_object(a, f->object);
  flight_end(a, f);
  if (o != NULL) held_free(a, o);
}

static bool has(_Atomic uint64_t *bits, unsigned member) {
  return (atomic_load_explicit(&bits[member / 64], memory_order_relaxed) >> (member % 64) & 1) != 0;
}

void held_sweep(Arena *a, int member) {
  uint32_t n = atomic_load_explicit(&a->head->count, memory_order_relaxed);
  if (member < 0) {
    land_all(a, true);
    return;
  }
  for (uint32_t i = 1; i <= n; i++) {
    SharedObject *o = held_object(a, i);
    if (o == NULL || (!has(o->holds, (unsigned)member) && !has(o->inherited, (unsigned)member))) continue;
    held_set(o->holds, (unsigned)member, false);
    held_set(o->inherited, (unsigned)member, false);
    held_free(a, o);
  }
}
