/* A crew: the threads that alone run the tasks of one pool, and whether all of them wait for tasks of their own that can
 * never begin. Guarded by the interpreter lock.
 *
 * A worker is stuck while it waits, without a deadline, for undecided futures of its own crew only. Each such future is
 * queued, or runs on another worker; if all of the crew, at its full size, are stuck, then nobody is left to run what is
 * queued, and a chain of those that run would have to end in one that is queued. So it is certain; only cancelling a
 * future from outside could end it.
 */
#ifndef GILUA_POOL_FUTURES_CREW_H
#define GILUA_POOL_FUTURES_CREW_H

#include "pool/futures/future.h"

typedef struct Worker Worker;

struct Crew {
  int most;        /* [i] */
  int count;       /* [G] workers that live or are about to */
  Worker *workers; /* [G] those that live */
};

/* One thread of a crew. Lives on the heap, as all that must survive a fork. */
struct Worker {
  Crew *crew;           /* [i] */
  Tstate *ts;           /* [i] */
  bool stuck;           /* [G] set by itself before such a wait, cleared after it */
  Worker *next, *prev;  /* [G] Crew.workers */
};

/* crew_enter lists w as the worker that ts is; crew_leave takes it off the list (not off the count). */
void crew_enter(Crew *crew, Worker *w, Tstate *ts);
void crew_leave(Worker *w);

/* crew_begin_wait is called before ts waits for f until the deadline; false: it would be the last of its crew to get stuck,
 * and must not. crew_end_wait follows the wait. */
bool crew_begin_wait(Tstate *ts, const Future *f, int64_t deadline);
void crew_end_wait(Tstate *ts);

/* crew_raise_deadlock raises `deadlock` for ts, with what each worker of its crew waits for: ts for `what`, which `runner`
 * (an ident, 0: nobody in particular) could bring. */
int crew_raise_deadlock(lua_State *L, Tstate *ts, const char *what, lua_Integer runner);

#endif
