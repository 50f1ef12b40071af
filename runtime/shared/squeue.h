/* A queue of items, which are bytes, between processes; also one direction of a Pipe.
 *
 *   QueueState, twice: who changes it writes the other one and then says that this counts, in one store. So a put or a get is
 *   not begun or done, wherever its process dies.
 *
 *   chunk -> chunk -> chunk        records one after the other: head, then the bytes of a small item
 *     head_at …      … tail_at     or the number of an extent that has those of a large one
 *
 * A large item is written into its extent before the queue's guard is taken, and read after the item was taken out: nobody
 * waits for a copy, a producer that stands still or dies stops nobody, and what it had not put whole belongs to it alone and
 * is swept. Extents that no state refers to are what a death may leave in the queue: recovery looks for them, or, while somebody
 * stands still with the arena's guard, whoever needs memory next.
 */
#ifndef GILUA_RUNTIME_SHARED_SQUEUE_H
#define GILUA_RUNTIME_SHARED_SQUEUE_H

#include <sys/uio.h>

#include "runtime/shared/wait.h"

enum {
  ITEM_SMALL = 2048, /* bytes; larger ones get an extent */
  CHUNK_FIRST = 4096 - 64, CHUNK_MORE = 65536
};

typedef enum QueueGroup { QUEUE_GETTERS, QUEUE_PUTTERS, QUEUE_JOINERS } QueueGroup;

typedef struct QueueState {
  uint64_t count, unfinished;
  uint32_t head, head_at; /* chunk, 0: none, and the offset in it of the next item to come out */
  uint32_t tail, tail_at;
} QueueState;

typedef struct SharedQueue {
  SharedObject o;
  uint64_t most;              /* [i] items, 0: any number */
  uint32_t send_only, recv_only; /* [i] an end of a Pipe that goes one way */
  uint32_t untidy;            /* [guard] a death may have left extents that no state leads to */
  int64_t looked;             /* [guard] when the holders of an end were last looked at */
  _Atomic uint32_t current;   /* [guard] which state counts; release: it is complete */
  _Alignas(64) QueueState states[2]; /* [guard] */
  Places places;
} SharedQueue;

typedef enum SQueueResult { SQUEUE_DONE, SQUEUE_EMPTY, SQUEUE_FULL, SQUEUE_CLOSED, SQUEUE_NO_MEMORY, SQUEUE_OTHER } SQueueResult;

/* An item that was taken out: its bytes, in `small` or in an extent that belongs to this process. */
typedef struct QueueItem {
  size_t size;
  uint32_t extent; /* 0: small */
  unsigned char small[ITEM_SMALL];
} QueueItem;

/* squeue_put appends an item of those parts. Gives what park_check takes; granted: *result. */
ParkResult squeue_put(Tstate *ts, Shared *s, const struct iovec *parts, int nparts, int64_t deadline, SQueueResult *result);

/* squeue_get takes the first. The caller reads squeue_bytes and calls squeue_done. only >= 0: if it does not begin with that byte
 * it stays, and the result is SQUEUE_OTHER. */
ParkResult squeue_get(Tstate *ts, Shared *s, int64_t deadline, int only, QueueItem *item, SQueueResult *result);
static inline const void *squeue_bytes(const Arena *a, const QueueItem *item) {
  return item->extent != 0 ? arena_at(a, item->extent) : item->small;
}
static inline void squeue_done(Arena *a, QueueItem *item) {
  if (item->extent != 0) arena_free_own(a, item->extent);
  item->extent = 0;
}

/* squeue_put_back makes what was taken out the first item again; it counts as unfinished as before, and squeue_done is still to
 * be called. False: it could not be, as a process stands still amid a change, or there is no memory. Needs the lock, and may
 * leave it. */
bool squeue_put_back(Tstate *ts, Shared *s, QueueItem *item);

/* squeue_poll waits until there is something to get, or the other end is closed. */
ParkResult squeue_poll(Tstate *ts, Shared *s, int64_t deadline);

/* squeue_task_done counts one unfinished item less; *refused: there is none. squeue_join waits until there are none. */
ParkResult squeue_task_done(Tstate *ts, Shared *s, bool *refused);
ParkResult squeue_join(Tstate *ts, Shared *s, int64_t deadline);

uint64_t squeue_count(const SharedQueue *q);

#endif
