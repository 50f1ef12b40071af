/* Hashes of partial orders. */
#include "runtime/race/history.h"

#include <stdlib.h>

struct Past {
  Place place; /* base NULL: free */
  uint64_t wrote, reads; /* the last write; the reads since, in no order */
};

static const uint64_t odd = 0x9e3779b97f4a7c15;

static uint64_t mix(uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

static bool is_same(const Place *a, const Place *b) { return a->base == b->base && a->key == b->key && a->kind == b->kind; }

static Past *slot_of(const History *h, const Place *p) {
  for (uint64_t i = mix((uint64_t)(uintptr_t)p->base + p->key * odd + p->kind);; i++) {
    Past *slot = &h->places[i & (h->room - 1)];
    if (slot->place.base == NULL || is_same(&slot->place, p)) return slot;
  }
}

static bool grow(History *h) {
  History more = {.room = h->room == 0 ? 256 : 2 * h->room};
  more.places = calloc(more.room, sizeof *more.places);
  if (more.places == NULL) return false;
  for (uint64_t i = 0; i < h->room; i++)
    if (h->places[i].place.base != NULL) *slot_of(&more, &h->places[i].place) = h->places[i];
  free(h->places);
  h->places = more.places;
  h->room = more.room;
  return true;
}

void history_access(History *h, unsigned thread, const Place *place, bool writes) {
  if (thread >= HISTORY_THREADS || (2 * h->n >= h->room && !grow(h))) {
    h->lost = true;
    return;
  }
  Past *p = slot_of(h, place);
  if (p->place.base == NULL) {
    p->place = *place;
    h->n++;
  }
  uint64_t *own = &h->of[thread];
  *own = mix(*own + odd * (2 * p->wrote + writes) + (writes ? mix(p->reads) : 0) + 1);
  if (writes) {
    p->wrote = *own;
    p->reads = 0;
  } else {
    p->reads += mix(*own);
  }
}

uint64_t history_state(History *h) {
  static const uint64_t another = 0xd1342543de82ef95;
  uint64_t sum = 0;
  if (h->lost) h->of[0] += another; /* nobody's number */
  for (unsigned i = 0; i < HISTORY_THREADS; i++) sum += mix(h->of[i] + odd * (i + 1));
  return sum;
}

void history_step(History *h, unsigned thread) {
  uint64_t step = mix(history_state(h) + thread);
  if (thread >= HISTORY_THREADS) h->lost = true;
  for (unsigned i = 0; i < HISTORY_THREADS; i++) h->of[i] = mix(h->of[i] ^ step);
}
