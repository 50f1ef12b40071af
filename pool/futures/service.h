/* The service thread of futures: settles futures that nobody waits for, and runs callbacks.
 *
 * A daemon Lua thread of the runtime, started when there is something for it and ended when there was nothing for a while.
 *
 * States      ABSENT     no thread                        RUNNING    it has the lock, or waits for it
 *             PARKED     it sleeps
 *   ABSENT -> RUNNING    who has something for it, with the lock          service_prepare
 *   RUNNING <-> PARKED   itself; woken by a grant (with the lock) or a poke (future_notify)
 *   RUNNING -> ABSENT    itself: nothing listed and nothing watched for a while, or it was cancelled
 *
 *   Future.serving   NOT      nobody wants it to be served
 *                    TOLD     it has callbacks; service_watch is in its list
 *                    WATCHED  the same, anchored; its source notifies, or whoever settles it tells
 *                    OVER     the service has begun with it: callbacks that come are called by who adds them
 *   NOT -> TOLD -> WATCHED   service_add_callback, service_watch        any -> OVER   serve; WATCHED again if that did not settle it
 *
 * Fields      list   [n] futures to look at; what is in it is anchored in the service's user value
 *             ts     [n] whom to poke; written with the lock as well, so the lock is enough to read it
 * Lock order  the interpreter lock -> m; nothing is called under m but gil_poke
 * Invariant   a future that is listed or watched is anchored; a source does not notify one that is decided
 */
#ifndef GILUA_POOL_FUTURES_SERVICE_H
#define GILUA_POOL_FUTURES_SERVICE_H

#include <pthread.h>

#include "pool/futures/future.h"

struct FutureService {
  RuntimeExit at_exit;   /* [G] its rt is the runtime; that goes first, where the host detaches it from the state */
  pthread_mutex_t m;     /* guards [n]; a leaf */
  Future *first, *last;  /* [n] the list */
  Tstate *ts;            /* [n] */
  lua_Integer watched;   /* [G] futures that will be notified, or told of */
  bool busy;             /* [G] it is at work on one */
  bool starved;          /* [G] it had no memory to work when it last tried */
  Waitq parked;          /* [G] the thread itself */
  Waitq drained;         /* [G] who waits for the list to be empty */
  ForkLock fork_lock;    /* [i] of m */
};

/* service_open makes the service of the state, if it has none, and adds it to what L's runtime does at its end. */
void service_open(lua_State *L);

/* service_drain waits, as park, until it has nothing to do, or no memory to do it. */
ParkResult service_drain(lua_State *L, Tstate *ts);

/* service_disown forgets, in a process that was forked, what the service of the parent had to do. */
void service_disown(lua_State *L);

/* service_watch sees to it that the future at i is settled as soon as it can be, also if nobody asks. Raises when there can be no
 * thread. */
void service_watch(lua_State *L, int i);

/* service_add_callback makes the function on top of the stack, popped, be called with the future at i once it is decided: at
 * once if it is, else in the service thread. */
void service_add_callback(lua_State *L, int i);

/* future_notify says that a watched future is ready. Threads: any, with or without the lock; takes one leaf mutex. See
 * FutureSource.watch; f may be gone when it returns. */
void future_notify(Future *f);

#endif
