/* Races: two accesses to one field of a table, or one captured variable, by two threads, at least one of which writes, and that
 * nothing orders: no lock, queue, event, future, join, start, …
 *
 * Seen is what access.h tells, in a run that has a schedule, which stops at each instruction.
 *
 * An access is noted just before its instruction runs.
 */
#ifndef GILUA_RUNTIME_RACE_RACES_H
#define GILUA_RUNTIME_RACE_RACES_H

#include "runtime/race/access.h"
#include "runtime/race/history.h"
#include "runtime/state/order.h"

/* One of the two. */
typedef struct RaceSide {
  uint32_t thread; /* its number */
  int line;
  bool writes;
  char source[SPOT_SOURCE];
} RaceSide;

typedef struct Race {
  RaceSide first, second; /* in the order in which they came */
  char what[64];          /* "variable 'count'" */
} Race;

/* Guarded by the interpreter lock. */
typedef struct Races {
  Order order; /* first, so that an Order is a Races */
  const char *off; /* why nothing more can be said; NULL: it can */
  Clocks clocks;
  Cells cells;
  Accesses *accesses; /* [i] */
  History *history; /* [i] told of the accesses, too; NULL: none */
  bool looks;       /* [i] for races; else history alone is told */
  void (*tell)(void *data, const Race *race); /* [i] */
  void *data;                                 /* [i] */
  unsigned thread; /* of the accesses that are told */
} Races;

/* races_begin looks for races in the runtime of L from now on, if races_step is called at each instruction; tell is called for each,
 * again and again for the same. The calling thread is the only one; accesses->code has begun. NULL: there is no memory. */
Races *races_begin(lua_State *L, Accesses *accesses, void (*tell)(void *data, const Race *race), void *data);

/* races_step looks at the instruction that comes next; called from the count hook of L, which runs on ts. Returns NULL, or why nothing
 * more can be said. */
const char *races_step(lua_State *L, Tstate *ts, lua_Debug *ar);

#endif
