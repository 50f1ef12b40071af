/* A task: a call that was asked for, as bytes, until it is known what came of it.
 *
 *   state        who owns it                      goes to
 *   QUEUED       the engine's queue               SENT, CANCELLED, FAILED (the pool is broken or terminated)
 *   SENT         one worker's list of tasks       DONE, FAILED, CANCELLED, QUEUED (its worker died first, or it is taken
 *                                                 back, or tried again)
 *   DONE FAILED CANCELLED    whoever asks         (final)
 *
 * All transitions are made by task_move, under Engine.m; `state` is read without it (acquire): what the final states
 * stand for was written before. Two references: the engine's, until the task is final, and the Future's.
 */
#ifndef GILUA_POOL_PROCESS_TASK_H
#define GILUA_POOL_PROCESS_TASK_H

#include <stdatomic.h>

#include "pool/pickle/pickle.h"
#include "pool/process/shared.h"

typedef enum TaskState { TASK_QUEUED, TASK_SENT, TASK_DONE, TASK_FAILED, TASK_CANCELLED } TaskState;

/* Why a task failed without an error of its own. */
typedef enum TaskFailure {
  FAILURE_NONE,
  FAILURE_WORKER_DIED, /* detail: status of waitpid; pid */
  FAILURE_PROTOCOL,    /* the worker wrote nonsense and was killed; pid */
  FAILURE_TIMEOUT,     /* it outran task_timeout */
  FAILURE_BROKEN,      /* the pool cannot work any more */
  FAILURE_MEMORY       /* no memory in the parent for the result */
} TaskFailure;

typedef struct Engine Engine;

typedef struct Task {
  struct Task *next, *prev;   /* [m] the queue, or (next only) the list of those to be freed with the lock */
  Engine *engine;             /* [i] */
  _Atomic unsigned refs;      /* [a] relaxed up, acq_rel down */
  _Atomic TaskState state;    /* [a] see above */
  uint64_t id;                /* [i] from 1, in order of submission */
  bool init;                  /* [i] the initializer of one worker; its message is the engine's */
  unsigned tries;             /* [m] workers that died of it */
  bool cancelling;            /* [m] its worker is being killed for a cancel */
  bool overdue;               /* [m] … because it outran its time */
  bool alone;                 /* [m] it killed a worker: nothing is sent behind it */
  PickleMessage message;      /* [i] until it is final */
  Record result;              /* [m] until it is final, then [i] */
  unsigned char *bytes;       /* [m] of the result, until it is final, then [i] */
  int *files;                 /* [m] that the result refers to, result.extra of them, until it is final, then [i] */
  TaskFailure failure;        /* [m] until it is final, then [i] */
  int status, pid;            /* [m] until it is final, then [i]: of the worker that died */
  struct TaskWait *waiters;   /* [m] threads that wait for this task */
  void *watcher;              /* [m] told when it is final: engine_watch */
  uint32_t name;              /* [G] of recordings: trace_function; 0: none */
  unsigned place;             /* [m] until it is final, then [i]: the worker that began it last */
  int64_t began_ns, ended_ns; /* [m] until it is final, then [i]: when, CLOCK_MONOTONIC, as far as is known; 0: never */
} Task;

/* task_move makes a transition; asserts that there is one. */
void task_move(Task *t, TaskState to);

/* task_decided tells whether the state is final. Any thread. */
static inline bool task_decided(const Task *t) {
  return atomic_load_explicit(&t->state, memory_order_acquire) >= TASK_DONE;
}

#endif
