/* Waiting for items and places. */
#include "runtime/sync/queue.h"

#include <assert.h>

#include "runtime/state/order.h"

enum { PROMISED, SHUT };

bool queue_sane(const Queue *q) {
  if (q->promised < 0 || q->reserved < 0 || q->promised > q->count || q->unfinished < 0) return false;
  if (q->maxsize > 0 && q->count + q->reserved > q->maxsize) return false;
  if (!waitq_empty(&q->getters) && (queue_has_item(q) || q->shut)) return false;
  return waitq_empty(&q->putters) || (!queue_has_place(q) && !q->shut);
}

/* Amid a wait: is there a promise, or no hope, for the waiter that comes back? */
static bool claim_place(Tstate *self, Waiter *w) {
  Queue *q = (Queue *)w->object;
  (void)self;
  if (q->shut) w->outcome = SHUT;
  else if (queue_has_place(q)) q->reserved++;
  else return false;
  return true;
}

static bool claim_item(Tstate *self, Waiter *w) {
  Queue *q = (Queue *)w->object;
  (void)self;
  if (queue_has_item(q)) q->promised++;
  else if (q->shut) w->outcome = SHUT;
  else return false;
  return true;
}

/* Waits in wq for a promise, which is counted in *promises until the waiter runs and takes it up, or leaves it to others. */
static QueueResult await_promise(Tstate *self, Waitq *wq, Queue *q, lua_Integer *promises, int64_t deadline,
                                 bool (*claim)(Tstate *self, Waiter *w), ParkResult *parked) {
  *parked = park_claim(self, wq, deadline, "queue", q, claim);
  if (*parked != PARK_GRANTED) return QUEUE_TIMEOUT;
  if (self->wait.outcome == SHUT) return QUEUE_SHUTDOWN;
  --*promises;
  if (!park_leaves(self)) return QUEUE_OK;
  *parked = PARK_REQUESTED;
  queue_settle(self, q);
  return QUEUE_TIMEOUT;
}

static QueueResult refuse(Tstate *self, const Queue *q) {
  order_acquire(self, &q->shut);
  return QUEUE_SHUTDOWN;
}

QueueResult queue_await_place(Tstate *self, Queue *q, bool may_wait, int64_t deadline, ParkResult *parked) {
  if (q->shut) return refuse(self, q);
  if (queue_has_place(q)) return QUEUE_OK;
  if (!may_wait) return QUEUE_FULL;
  QueueResult result = await_promise(self, &q->putters, q, &q->reserved, deadline, claim_place, parked);
  return q->shut && result == QUEUE_OK ? QUEUE_SHUTDOWN : result; /* a place promised before the shutdown is none after it */
}

QueueResult queue_await_item(Tstate *self, Queue *q, bool may_wait, int64_t deadline, ParkResult *parked) {
  if (queue_has_item(q)) return QUEUE_OK;
  if (q->shut) return refuse(self, q);
  if (!may_wait) return QUEUE_EMPTY;
  return await_promise(self, &q->getters, q, &q->promised, deadline, claim_item, parked);
}

void queue_settle(Tstate *self, Queue *q) {
  while (!waitq_empty(&q->getters) && queue_has_item(q)) {
    q->promised++;
    park_grant_first(self, &q->getters, false);
  }
  while (!waitq_empty(&q->putters) && queue_has_place(q)) {
    q->reserved++;
    park_grant_first(self, &q->putters, false);
  }
  assert(queue_sane(q));
}

static void send_away(Tstate *self, Waitq *wq) {
  for (Waiter *w = wq->head; w != NULL; w = w->next) w->outcome = SHUT;
  park_grant_all(self, wq);
}

void queue_shut(Tstate *self, Queue *q) {
  q->shut = true;
  order_release(self, &q->shut);
  send_away(self, &q->getters);
  send_away(self, &q->putters);
}

bool queue_finish(Tstate *self, Queue *q, lua_Integer n) {
  if (n > q->unfinished) return false;
  q->unfinished -= n;
  if (q->unfinished == 0) park_grant_all(self, &q->joiners);
  return true;
}
