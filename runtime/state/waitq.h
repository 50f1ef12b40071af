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
typedef struct Waiter Waiter;
struct Waiter {
  Waiter *next, *prev;        /* [G] */
  struct Tstate *ts;          /* [i] whose wait it is */
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
  /* [G] takes what it waits for if that is there, without waiting; NULL: what it waits for is told, not had */
  bool (*claim)(struct Tstate *self, Waiter *w);
  bool aside;    /* [G] its thread runs a signal handler amid it, see aside.h */
  Waitq *home;   /* [G] aside, with claim: where it stands again afterwards */
  Waiter *outer; /* [G] aside: the wait that was set aside before it */
};

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

/* waitq_replace puts `to`, a copy of `from`, in the place of `from`. */
static inline void waitq_replace(Waiter *from, Waiter *to) {
  Waitq *q = from->queue;
  if (to->prev != NULL) to->prev->next = to;
  else q->head = to;
  if (to->next != NULL) to->next->prev = to;
  else q->tail = to;
  from->next = from->prev = NULL;
  from->queue = NULL;
}

/* waitq_rejoin puts w, which was in q before, where it would stand had it stayed. */
static inline void waitq_rejoin(Waitq *q, Waiter *w) {
  Waiter *before = q->tail;
  while (before != NULL && before->since > w->since) before = before->prev;
  w->queue = q;
  w->prev = before;
  w->next = before != NULL ? before->next : q->head;
  if (w->next != NULL) w->next->prev = w;
  else q->tail = w;
  if (before != NULL) before->next = w;
  else q->head = w;
}

#endif
