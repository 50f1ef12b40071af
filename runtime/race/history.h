/* What happened in a run, as a number that is the same for all orders of what does not depend on each other: which accesses to a
 * place came before which, and in which order everything else did. Two runs with the same history are in the same state, but for
 * the time.
 *
 * Source: Musuvathi and Qadeer, "Partial-order reduction for context-bounded state exploration", 2007 (happens-before caching).
 */
#ifndef GILUA_RUNTIME_RACE_HISTORY_H
#define GILUA_RUNTIME_RACE_HISTORY_H

#include "runtime/race/cells.h"

enum { HISTORY_THREADS = 64 };

typedef struct Past Past;

/* Guarded by the interpreter lock. */
typedef struct History {
  uint64_t of[HISTORY_THREADS]; /* by number of the thread: what it did, and what that depends on */
  Past *places;                 /* a table with open addressing */
  uint64_t room, n;
  bool lost; /* no memory, or too many threads: each state is another one */
} History;

/* history_access adds an access by that thread to a place, history_step something else that may depend on all that happened. */
void history_access(History *h, unsigned thread, const Place *place, bool writes);
void history_step(History *h, unsigned thread);

/* history_state is the number. */
uint64_t history_state(History *h);

#endif
