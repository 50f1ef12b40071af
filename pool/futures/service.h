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
 * Fields      list   [n] futures to look at; what is in it is anchored in the service's user value
 *             ts     [n] whom to poke; written with the lock as well, so the lock is enough to read it
 * Lock order  the interpreter lock -> m; nothing is called under m but gil_poke
 * Invariant   a future that is listed or watched is anchored; a source does not notify one that is decided
 */
#ifndef GILUA_POOL_FUTURES_SERVICE_H
#define GILUA_POOL_FUTURES_SERVICE_H

#include <pthread.h>

#include "pool/futures/backend.h"

struct FutureService {
  RuntimeExit at_exit;   /* [G] its rt is the runtime; that goes first, where the host detaches it from the state */
  pthread_mutex_t m;     /* guards [n]; a leaf */
  Future *first, *last;  /* [n] the list */
  Tstate *ts;            /* [n] */
  lua_Integer watched;   /* [G] futures that will be notified */
  bool busy;             /* [G] it is at work on one */
  Waitq parked;          /* [G] the thread itself */
  Waitq drained;         /* [G] who waits for the list to be empty */
  Executor *executors;   /* [G] every one that is not collected; user value 2 leads to the objects, weakly */
  bool ending;           /* [G] the main script has ended: no new executors, no new tasks */
  lua_Integer pools;     /* [G] number of the next default name of a pool */
  EndedPools ended_pools; /* [G] */
  ForkLock fork_lock;    /* [i] of m */
};

/* User values of the service. */
enum { SERVICE_ANCHORS = 1, SERVICE_EXECUTORS };

/* service_open makes the service of the runtime of L; once a state. */
void service_open(lua_State *L);

/* service_of returns it; service_alive the same, when it is sure that the state has a runtime, else raises. */
FutureService *service_of(lua_State *L);
FutureService *service_alive(lua_State *L);

/* service_detach is the last part of RuntimeExit.detach. */
void service_detach(FutureService *s);

/* service_push pushes its object. */
void service_push(lua_State *L);

/* service_drain waits, as park, until it has nothing to do. */
ParkResult service_drain(lua_State *L, Tstate *ts);

/* service_prepare anchors the future at i and sees to it that the thread runs; raises when that cannot be. */
void service_prepare(lua_State *L, int i);

/* service_add lists f, prepared, as one to look at. Needs the lock. */
void service_add(Tstate *self, Future *f);

/* service_run_callbacks calls the callbacks of the decided future at i; raises nothing. */
void service_run_callbacks(lua_State *L, int i);

#endif
