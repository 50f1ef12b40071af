/* A pool of threads: the queue of its tasks. The workers are in thread_worker.h, what users see is an executor.
 *
 * The pool is an object of its own: the workers keep it, the executor keeps it, and neither keeps the other, so an executor
 * that is dropped is collected while its workers finish.
 *
 * Protocol     everything under the interpreter lock
 *   tasks      `count` futures in a ring, oldest first; those that were cancelled are skipped when their turn comes
 *   idlers     workers that wait for a task; a submit grants the newest
 *   coming     workers that were granted, or started, and have not run since
 *   Invariant  count > coming  =>  no idlers, and most workers exist (or the system refuses more): worker_staff
 *   shut       no tasks come; a worker that finds none ends
 *   broken     an initializer failed: shut, and the tasks are failed
 */
#ifndef GILUA_POOL_FUTURES_THREAD_POOL_H
#define GILUA_POOL_FUTURES_THREAD_POOL_H

#include "pool/futures/backend.h"
#include "pool/futures/workers.h"
#include "runtime/sync/ring.h"

/* User values of a ThreadPool. */
enum { POOL_RING = 1, POOL_INIT, POOL_PREFIX, POOL_WHY, POOL_WORKERS /* by address */, POOL_VALUES = POOL_WORKERS };

typedef struct ThreadPool {
  ObjectHead head;
  Workers workers;
  Ring ring;             /* [G] */
  lua_Integer count;     /* [G] */
  int coming;            /* [G] */
  int init_args;         /* [i] */
  lua_Integer started;   /* [G] number of the next worker */
  bool shut;             /* [G] */
  bool broken;           /* [G] */
  pid_t pid;             /* [i] the process that its threads are in */
  Executor *executor;    /* [G] NULL once that is collected */
  Waitq idlers, joiners; /* [G] */
  lua_Integer submitted, finished, most; /* [G] tasks; most that were queued */
  int64_t busy_ns;       /* [G] of workers that have ended */
  bool uncounted;        /* [G] its executor was collected before its tasks were finished */
  char name[POOL_NAME];  /* [i] */
} ThreadPool;

/* thread_pool_new pushes a pool of at most that many workers. */
ThreadPool *thread_pool_new(lua_State *L, int most);

/* thread_pool_put puts the future on top of the stack, popped, behind the tasks of the pool at index i; thread_pool_take pushes the
 * first, there is one. */
void thread_pool_put(lua_State *L, ThreadPool *p, int i);
Future *thread_pool_take(lua_State *L, ThreadPool *p, int i);

/* thread_pool_shut lets no tasks come. thread_pool_clear takes those that are queued, of the pool at index i, and fails them
 * with the pool's cause if it is broken, else cancels them. */
void thread_pool_shut(Tstate *self, ThreadPool *p);
void thread_pool_clear(lua_State *L, ThreadPool *p, int i);

/* thread_pool_break makes the pool at index i broken; executor_push_why has pushed why, which is popped. */
void thread_pool_break(lua_State *L, Tstate *self, ThreadPool *p, int i);

#endif
