/* Semaphores and events between processes.
 *
 * A semaphore is not a number but who took how many: `base` less the balances of the processes. So taking is one store, and
 * what a dead process had not given back is known; it comes back, but never makes more than there were at first (a process
 * that takes what others release, as a signal, owes nothing). Balances of the dead that are not 0 are added to the last one when
 * there is no room. Who finds none nevertheless counts there, too.
 *
 * Adding one is three stores: `moving` and `sum` say what the last one is to be, so whoever recovers finishes it.
 */
#ifndef GILUA_RUNTIME_SHARED_SEMAPHORE_H
#define GILUA_RUNTIME_SHARED_SEMAPHORE_H

#include "runtime/shared/wait.h"

enum { BALANCES = 128 };

typedef struct Balance {
  _Atomic SharedId id; /* [guard] 0: free; BALANCE_KEPT: of nobody alive, or of many */
  int64_t taken;       /* [guard] less what it released */
} Balance;

typedef struct SharedSemaphore {
  SharedObject o;
  int64_t initial; /* [i] */
  int64_t sum;     /* [guard] */
  _Atomic uint32_t moving; /* [guard] index + 1 of a balance that is added to the last, which becomes `sum`; 0: none; release */
  Balance balances[BALANCES];
  Places places;
} SharedSemaphore;

typedef struct SharedEvent {
  SharedObject o;
  _Atomic uint32_t set; /* [a] changed with the guard; release */
  Places places;
} SharedEvent;

/* ssemaphore_wait takes one. ssemaphore_release gives n back; *refused: that would be more than at first (bounded). */
ParkResult ssemaphore_wait(Tstate *ts, Shared *s, int64_t deadline, bool *abandoned);
ParkResult ssemaphore_release(Tstate *ts, Shared *s, int64_t n, bool *refused);
int64_t ssemaphore_value(const SharedSemaphore *m);

ParkResult sevent_set(Tstate *ts, Shared *s, bool set);
ParkResult sevent_wait(Tstate *ts, Shared *s, int64_t deadline);

#endif
