/* The bookkeeping of a queue: who may put or take now, who waits, who was promised what. Where the items are is the
 * business of ring.h and lib_priority_queue.c.
 *
 * A waiter is not handed its item or place, it is promised one: the item stays where it is, nobody else may have it, and
 * the waiter takes it when it runs. So an item is stored once, by the thread that brings it.
 *
 * Invariants (queue_sane)
 *   promised <= count                              every promise can be kept
 *   count + reserved <= maxsize                    unless maxsize is 0: no bound
 *   getters wait only while count == promised      and putters only while no place is free: queue_settle
 *   shut: nobody waits
 */
#ifndef GILUA_RUNTIME_SYNC_QUEUE_H
#define GILUA_RUNTIME_SYNC_QUEUE_H

#include "runtime/sync/park.h"

typedef enum QueueResult { QUEUE_OK, QUEUE_EMPTY, QUEUE_FULL, QUEUE_TIMEOUT, QUEUE_SHUTDOWN } QueueResult;

typedef struct Queue {
  lua_Integer maxsize;    /* [i] 0: unbounded */
  lua_Integer count;      /* [G] items stored */
  lua_Integer promised;   /* [G] of these, for getters that have not run yet */
  lua_Integer reserved;   /* [G] free places, for putters that have not run yet */
  lua_Integer unfinished; /* [G] items put and not reported by task_done */
  bool shut;              /* [G] */
  Waitq getters, putters; /* [G] */
  Waitq joiners;          /* [G] wait until unfinished is 0 */
} Queue;

/* queue_sane is the checker of the invariants above. */
bool queue_sane(const Queue *q);

static inline bool queue_has_item(const Queue *q) { return q->count > q->promised; }
static inline bool queue_has_place(const Queue *q) { return q->maxsize == 0 || q->count + q->reserved < q->maxsize; }

/* queue_await_place, queue_await_item wait until self may put or take one item: QUEUE_OK, and it must do so (count++ or
 * count--, then queue_settle) before it does anything else that waits. may_wait false: answers at once. *parked is what
 * park said when the result is neither OK nor shutdown. */
QueueResult queue_await_place(Tstate *self, Queue *q, bool may_wait, int64_t deadline, ParkResult *parked);
QueueResult queue_await_item(Tstate *self, Queue *q, bool may_wait, int64_t deadline, ParkResult *parked);

/* queue_settle promises what is free to who waits. */
void queue_settle(Tstate *self, Queue *q);

/* queue_shut refuses puts from now on and ends every wait but joins. */
void queue_shut(Tstate *self, Queue *q);

/* queue_finish reports n items as done; false if fewer are unfinished. */
bool queue_finish(Tstate *self, Queue *q, lua_Integer n);

#endif
