/* A wait queue: the threads that wait for one thing, first come first. Guarded by the interpreter lock.
 *
 * The node of a thread is part of its thread state, never on a stack: a forked child reuses the stacks of the threads
 * that vanished, and a queue must survive that. A thread waits in one queue at a time.
 */
#ifndef GILUA_RUNTIME_STATE_WAITQ_H
#define GILUA_RUNTIME_STATE_WAITQ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Waitq Waitq;

/* One thread's wait, and what the world may know of it. */
typedef struct Waiter {
  struct Waiter *next, *prev; /* [G] */
  Waitq *queue;               /* [G] where it is linked, or NULL */
  bool granted;               /* [G] the waker ended the wait */
  bool untimed;               /* [G] only a waker can end it: counted in Runtime.wakers */
  bool bound;                 /* [G] moved: nothing can be raised before it is granted */
  bool look;                  /* [G] woken to see whether its wait can end at all */
  int outcome;                /* [G] what the waker says, 0 unless the object has several answers */
  const char *what;           /* [G] "lock", "queue", …; NULL while it does not wait */
  const void *object;         /* [G] what it waits on, for the wait-for graph */
  int64_t since;              /* [G] ns (clock.h) */
  int64_t deadline;           /* [G] ns */
} Waiter;

struct Waitq {
  Waiter *head, *tail; /* [G] */
};

static inline bool waitq_empty(const Waitq *q) { return q->head == NULL; }

static inline void waitq_append(Waitq *q, Waiter *w) {
  w->queue = q;
  w->next = NULL;
  w->prev = q->tail;
  if (q->tail != NULL) q->tail->next = w;
  else q->head = w;
  q->tail = w;
}

static inline void waitq_remove(Waiter *w) {
  Waitq *q = w->queue;
  if (w->prev != NULL) w->prev->next = w->next;
  else q->head = w->next;
  if (w->next != NULL) w->next->prev = w->prev;
  else q->tail = w->prev;
  w->next = w->prev = NULL;
  w->queue = NULL;
}

#endif
