/* Waits that can never end: found by the thread that begins the last of them.
 *
 * What is claimed
 *   a cycle          every member waits without deadline for an RLock, the end of a thread, or a future whose runner is
 *                    known, that the next member holds, is or runs. Only a cancel or Ctrl-C could end it; raising
 *                    `deadlock` is our choice.
 *   everybody waits  every listed thread is in a wait that only a waker ends, no work outside is pending
 *                    (deadlock_external), and the program said that no others enter (deadlock_closed_world). Ctrl-C could
 *                    end it, but by an error only: it does not count, as in Go; nor does that a program may end its workers. Yet one that comes within
 *                    DEADLOCK_GRACE_NS wins, if it is main's own code that waits.
 *   a pool           all the threads of a pool, at its full size, wait without deadline for tasks of that pool: who
 *                    looks, and why it is certain, is in pool/futures/workers.h
 *   nobody is left   os.exit(code, true) closes the state: main alone runs Lua, and waits without deadline in a <close>
 *                    variable; as above, for a thread that is in os.exit itself, or for what no other process has
 *   nobody else has it   a thread waits without deadline for what processes share, no other process has that or could get it, this
 *                    one has no children, and all its other threads wait as above. The wait itself finds it, when it looks
 *   suspicious       a cycle with a plain Lock in it, which any thread may release: a warning, once a Lock. A thread that
 *                    waits for its own Lock alone is none: that is how locks are used to take turns.
 * Not claimed      that everybody waits, where a native thread has entered or a gilua_keep says that one may, or in a
 *                  process that was spawned for a pool; anything about a timed wait, a sleep, a thread in native code, a member that is
 *                  about to be interrupted or cancelled, a runtime that is closing.
 *
 * Who looks        park, before a thread sleeps: only a new wait makes a new edge. A thread that ends, and the end of
 *                  outside work, look whether everybody else waits now.
 * Who is told      the thread that looks; if its wait must not be given up (a Condition getting its lock back, the main
 *                  thread at the end of the program, an idle worker of a pool), another member is woken to look for
 *                  itself (Waiter.look).
 * Edges            what a wait named "lock", "rlock", "join" or "future" is for begins with the ident of the thread that
 *                  can end it, 0 while that is not known. Idents are never used twice, so an edge to a thread that has
 *                  ended leads nowhere.
 * Guard            everything here needs the lock. Nothing is counted where nobody waits.
 * Counter          Runtime.wakers.untimed is the number of listed threads whose wait.untimed is set: from the wait's
 *                  begin to its grant, or to where park gives it up; wakers.ended counts how often that came.
 */
#ifndef GILUA_RUNTIME_SYNC_DEADLOCK_H
#define GILUA_RUNTIME_SYNC_DEADLOCK_H

#include "runtime/state/tstate.h"

typedef enum DeadlockVerdict {
  WAIT_ON,           /* another thread may have been woken to look, or a warning been given */
  WAIT_SUSPICIOUSLY, /* everybody waits: look again after DEADLOCK_GRACE_NS */
  WAIT_IN_VAIN,      /* give the wait up; what was found is kept in self->deadlock */
} DeadlockVerdict;

#define DEADLOCK_GRACE_NS 2000000000

/* deadlock_check looks whether the untimed wait that self has begun can ever end. again: the time of a suspicion is
 * over, and it is certain now if nobody's wait has ended since. */
DeadlockVerdict deadlock_check(Tstate *self, bool again);

/* deadlock_alone tells whether nobody but self, which has begun no wait in a queue, could do anything: then it makes the report, of
 * self that waits for `what`, a constant, and all others. deadlock_raise follows. */
bool deadlock_alone(Tstate *self, const char *what);

/* What others have found, as a pool all of whose threads wait for its own tasks: deadlock_found_begin makes the report of
 * `total` threads for self, which opens with `says`, a constant; false without memory. deadlock_found_add adds a thread,
 * which is parked, or is self: then it waits for `what`, a constant, of `holder` (an ident, or 0). deadlock_raise follows. */
bool deadlock_found_begin(Tstate *self, const char *says, unsigned total);
void deadlock_found_add(Tstate *self, const Tstate *ts, const char *what, lua_Integer holder);

/* deadlock_raise raises the `deadlock` error of what deadlock_check found for ts, the calling thread. */
int deadlock_raise(lua_State *L, Tstate *ts);

/* deadlock_check_others is called by self, which is not listed any more or not counted as waiting: wakes one of the
 * others if all of them wait in vain. */
void deadlock_check_others(Tstate *self);

/* deadlock_external counts pending work (+1 when it begins, -1 when its end was told) that will wake a thread from
 * outside: a pool's task, a child that is watched, a callback. While it is not 0, not everybody waits in vain. */
void deadlock_external(Tstate *self, int delta);

/* deadlock_closed_world says that only listed threads and external work wake anybody; the program says so when it starts.
 * deadlock_open_world takes it back for good: a foreign thread has entered, and may come again. */
void deadlock_closed_world(Runtime *rt);
void deadlock_open_world(Runtime *rt);

#endif
