/* Moving the clocks on. */
#include "runtime/race/clocks.h"

#include <stdlib.h>
#include <string.h>

struct ObjectClock {
  const void *object; /* NULL: free */
  uint32_t *at;       /* CLOCKS_THREADS of them */
};

void clocks_begin(Clocks *c) {
  for (unsigned i = 0; i < CLOCKS_THREADS; i++) c->of[i][i] = 1;
}

static void join(uint32_t *into, const uint32_t *from) {
  for (unsigned i = 0; i < CLOCKS_THREADS; i++)
    if (from[i] > into[i]) into[i] = from[i];
}

static ObjectClock *slot_of(const Clocks *c, const void *object) {
  uint64_t i = (uint64_t)(uintptr_t)object * 0x9e3779b97f4a7c15;
  for (i >>= 20;; i++) {
    ObjectClock *slot = &c->objects[i & (c->room - 1)];
    if (slot->object == object || slot->object == NULL) return slot;
  }
}

static bool grow(Clocks *c) {
  Clocks more = {.room = c->room == 0 ? 64 : 2 * c->room};
  more.objects = calloc(more.room, sizeof *more.objects);
  if (more.objects == NULL) return false;
  for (uint64_t i = 0; i < c->room; i++)
    if (c->objects[i].object != NULL) *slot_of(&more, c->objects[i].object) = c->objects[i];
  free(c->objects);
  c->objects = more.objects;
  c->room = more.room;
  return true;
}

bool clocks_release(Clocks *c, unsigned thread, const void *object) {
  if (2 * c->n >= c->room && !grow(c)) return false;
  ObjectClock *slot = slot_of(c, object);
  if (slot->object == NULL) {
    slot->at = calloc(CLOCKS_THREADS, sizeof *slot->at);
    if (slot->at == NULL) return false;
    slot->object = object;
    c->n++;
  }
  join(slot->at, c->of[thread]);
  c->of[thread][thread]++;
  return true;
}

void clocks_acquire(Clocks *c, unsigned thread, const void *object) {
  if (c->room == 0) return;
  const ObjectClock *slot = slot_of(c, object);
  if (slot->object != NULL) join(c->of[thread], slot->at);
}

void clocks_pass(Clocks *c, unsigned from, unsigned to) {
  if (from == to) return;
  join(c->of[to], c->of[from]);
  c->of[from][from]++;
}
