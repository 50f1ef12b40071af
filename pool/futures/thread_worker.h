/* The worker threads of a pool (thread_pool.h). */
#ifndef GILUA_POOL_FUTURES_THREAD_WORKER_H
#define GILUA_POOL_FUTURES_THREAD_WORKER_H

#include "pool/futures/thread_pool.h"

/* A worker at work; user value 1 is its task. */
typedef struct WorkerObject {
  ObjectHead head;
  Worker worker;
  Future *task; /* [G] what it runs, or NULL */
  bool initializing; /* [G] it is in the pool's initializer */
  lua_Integer tasks; /* [G] it has run */
  int64_t busy_ns, busy_since; /* [G] before and since it found work last; busy_since 0: it has none */
} WorkerObject;

static inline const WorkerObject *worker_object(const Worker *w) {
  return (const WorkerObject *)((const char *)w - offsetof(WorkerObject, worker));
}

/* worker_busy_ns is how long it had tasks. worker_count fills in what the pool has done. */
int64_t worker_busy_ns(const WorkerObject *w);
void worker_count(const ThreadPool *p, PoolCounters *out);

/* worker_staff sees to it that somebody comes for the newest task of the pool at index i. Raises if nobody can. */
void worker_staff(lua_State *L, Tstate *self, ThreadPool *p, int i);

/* worker_push_list pushes a list of the WorkerObjects of the pool at index i. */
void worker_push_list(lua_State *L, const ThreadPool *p, int i);

#endif
