/* See landings.h. */
#include "pool/multiprocessing/landings.h"

#include <stdlib.h>

#include "runtime/state/after_read.h"

typedef struct Landing {
  Arena *arena;
  uint32_t flight;
} Landing;

static void end(AfterRead *a, bool again) {
  Landing *list = a->list;
  for (unsigned i = 0; i < a->count && !again; i++) shared_land(list[i].arena, list[i].flight);
  free(list);
}

static bool add(AfterRead *a, Landing landing) {
  Landing *list = a->list;
  if (a->count == a->capacity) {
    unsigned capacity = a->capacity == 0 ? 8 : 2 * a->capacity;
    list = realloc(list, capacity * sizeof *list);
    if (list == NULL) return false;
    a->list = list;
    a->capacity = capacity;
  }
  a->end = end;
  list[a->count++] = landing;
  return true;
}

void landings_take(Arena *a, uint32_t flight) {
  const Tstate *self = tstate_self();
  bool later = flight != 0 && self != NULL && self->after_read != NULL && add(self->after_read, (Landing){a, flight});
  if (flight != 0 && !later) shared_land(a, flight);
}
