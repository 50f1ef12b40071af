/* Conditions and barriers between processes.
 *
 * A notification is a grant to a place, and is taken by whoever has that place: the one grant that is more than a hint. A
 * waiter that leaves passes it on, and so does a waiter that looks for a dead one: to those that waited when it was given. Who
 * came later gets none: it has seen what was notified.
 *
 * A barrier's state is one word, generation and count, so that a death leaves it as it was or as it is then. Whoever arrives
 * last runs the action and then begins the next generation; if it dies in between, the others find the barrier broken. Who dies
 * while it waits has arrived.
 */
#ifndef GILUA_RUNTIME_SHARED_CONDITION_H
#define GILUA_RUNTIME_SHARED_CONDITION_H

#include "runtime/shared/lock.h"

typedef struct SharedCondition {
  SharedObject o;
  Places places;
} SharedCondition;

/* scondition_wait gives up the lock, which the caller has, and waits. *kept: it still has the lock. Else the caller takes it
 * again by slock_take_again, which no request ends. Granted: *told is for scondition_pass, which gives the notification to the
 * next one that waited when it was given; false: it could not, a process stands still amid a change. */
ParkResult scondition_wait(Tstate *ts, Shared *s, Shared *lock, int64_t deadline, bool *kept, bool *full, uint32_t *told);
ParkResult scondition_notify(Tstate *ts, Shared *s, unsigned n);
bool scondition_pass(Tstate *ts, Shared *s, uint32_t told);

enum { OUTCOMES = 64 }; /* generations whose end is remembered */

typedef struct SharedBarrier {
  SharedObject o;
  uint32_t parties;               /* [i] */
  double timeout;                 /* [i] seconds of a wait that names none; < 0: none */
  _Atomic uint32_t broken;        /* [guard] until it is reset */
  _Atomic uint64_t state;         /* [guard] generation << 32 | arrived; release */
  _Atomic SharedId runner;        /* [guard] of the action */
  uint8_t outcomes[OUTCOMES];     /* [guard] by generation: 1: broken */
  Places places;
} SharedBarrier;

/* sbarrier_wait: granted with *index from 1; *broken; *last: the caller runs the action, and then calls sbarrier_pass. Late: it
 * is broken then. A request: this arrival is taken back. */
ParkResult sbarrier_wait(Tstate *ts, Shared *s, bool action, int64_t deadline, uint32_t *index, bool *last, bool *broken);
ParkResult sbarrier_pass(Tstate *ts, Shared *s, bool *broken);
/* sbarrier_break makes everybody find it broken; sbarrier_reset those who wait now. */
ParkResult sbarrier_break(Tstate *ts, Shared *s);
ParkResult sbarrier_reset(Tstate *ts, Shared *s);
uint32_t sbarrier_waiting(const SharedBarrier *b);

#endif
