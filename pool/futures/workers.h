/* The workers of a pool of threads, which alone run its tasks, and whether all of them wait for tasks of their own that can
 * never begin. Guarded by the interpreter lock.
 *
 * A worker is stuck while it waits, without a deadline, for undecided futures of its own pool only. Each such future is
 * queued, or runs on another worker; if all of them, at their full number, are stuck, then nobody is left to run what is
 * queued, and a chain of those that run would have to end in one that is queued. So it is certain; only cancelling a
 * future from outside could end it.
 */
#ifndef GILUA_POOL_FUTURES_WORKERS_H
#define GILUA_POOL_FUTURES_WORKERS_H

#include "runtime/sync/park.h"

typedef struct Worker Worker;

typedef struct Workers {
  int most;      /* [i] */
  int count;     /* [G] that live or are about to */
  Worker *first; /* [G] those that live */
} Workers;

/* One thread of them. Lives on the heap, as all that must survive a fork. */
struct Worker {
  Workers *all;         /* [i] */
  Tstate *ts;           /* [i] */
  bool stuck;           /* [G] set by itself before such a wait, cleared after it */
  Worker *next, *prev;  /* [G] Workers.first */
};

/* workers_enter lists w as the worker that ts is; workers_leave takes it off the list (not off the count). */
void workers_enter(Workers *all, Worker *w, Tstate *ts);
void workers_leave(Worker *w);

/* workers_own tells whether ts is one of them. */
static inline bool workers_own(const Workers *all, const Tstate *ts) {
  return ts->worker != NULL && ((const Worker *)ts->worker)->all == all;
}

/* workers_begin_wait is called before ts waits, until the deadline, for a task that only `all` can run (NULL: for another one);
 * false: it would be the last of its pool to get stuck, and must not. workers_end_wait follows the wait. */
bool workers_begin_wait(Tstate *ts, const Workers *all, int64_t deadline);
void workers_end_wait(Tstate *ts);

/* workers_raise_deadlock raises `deadlock` for ts, with what each worker of its pool waits for: ts for `what`, which
 * `runner` (an ident, 0: nobody in particular) could bring. */
int workers_raise_deadlock(lua_State *L, Tstate *ts, const char *what, lua_Integer runner);

#endif
