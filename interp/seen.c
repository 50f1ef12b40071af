/* Adding to the set. */
#include "interp/seen.h"

#include <stdlib.h>

static bool put(Seen *seen, uint64_t number) {
  for (uint64_t i = number;; i++) {
    uint64_t *slot = &seen->slots[i & (seen->room - 1)];
    if (*slot == number) return false;
    if (*slot != 0) continue;
    *slot = number;
    seen->n++;
    return true;
  }
}

static bool grow(Seen *seen) {
  Seen more = {.room = seen->room == 0 ? 1024 : 2 * seen->room};
  more.slots = calloc(more.room, sizeof *more.slots);
  if (more.slots == NULL) return false;
  for (uint64_t i = 0; i < seen->room; i++)
    if (seen->slots[i] != 0) put(&more, seen->slots[i]);
  free(seen->slots);
  *seen = more;
  return true;
}

bool seen_add(Seen *seen, uint64_t number) {
  if (2 * seen->n >= seen->room && !grow(seen)) {
    seen->lost = true;
    return false;
  }
  return put(seen, number != 0 ? number : 1);
}

void seen_free(Seen *seen) { free(seen->slots); }
