/* See flight.h. The table is as full as it ever was: what ends at its end makes it shorter. */
#include "runtime/shared/flight.h"

#include <assert.h>

static uint32_t new_number(ArenaHead *h) {
  uint32_t number;
  do number = ++h->serial & 0x7fffffff;
  while (number == 0);
  return number;
}

/* The carrier is the last store, and the one that counts. */
uint32_t flight_begin(Arena *a, uint32_t object, uint64_t carrier) {
  ArenaHead *h = a->head;
  uint32_t i = 0;
  assert(guard_held(&h->guard));
  while (i < h->flights_end && flight_carrier(&h->flights[i]) != 0) i++;
  if (i == MOST_FLIGHTS) return 0;
  if (i == h->flights_end) h->flights_end++;
  Flight *f = &h->flights[i];
  f->object = object;
  f->number = new_number(h);
  atomic_store_explicit(&f->carrier, carrier, memory_order_release);
  return f->number;
}

Flight *flight_find(Arena *a, uint32_t number) {
  ArenaHead *h = a->head;
  assert(guard_held(&h->guard));
  for (uint32_t i = 0; number != 0 && i < h->flights_end; i++)
    if (h->flights[i].number == number && flight_carrier(&h->flights[i]) != 0) return &h->flights[i];
  return NULL;
}

void flight_end(Arena *a, Flight *f) {
  ArenaHead *h = a->head;
  atomic_store_explicit(&f->carrier, 0, memory_order_release);
  while (h->flights_end > 0 && flight_carrier(&h->flights[h->flights_end - 1]) == 0) h->flights_end--;
}
