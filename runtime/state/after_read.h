/* What is to be done once a message is not read again. A request of the reading thread amid a constructor ends a read, and what was
 * made until then is dropped with it; whoever asks next reads it anew, and must find what it names.
 *
 * Whoever reads such a message brackets that; what it names says, when it was made, what is to be done at the end. Needs the lock.
 */
#ifndef GILUA_RUNTIME_STATE_AFTER_READ_H
#define GILUA_RUNTIME_STATE_AFTER_READ_H

#include "runtime/state/tstate.h"

typedef struct AfterRead {
  struct AfterRead *outer; /* of a message whose constructor reads this one */
  void (*end)(struct AfterRead *a, bool again); /* gives `list` back; it may leave the lock */
  void *list;
  unsigned count, capacity;
} AfterRead;

/* Around a protected call; self may be NULL. again: a request has ended it. */
static inline void after_read_begin(Tstate *self, AfterRead *a) {
  if (self == NULL) return;
  *a = (AfterRead){.outer = self->after_read};
  self->after_read = a;
}

static inline void after_read_end(Tstate *self, AfterRead *a, bool again) {
  if (self == NULL) return;
  self->after_read = a->outer;
  if (a->list != NULL) a->end(a, again);
}

#endif
