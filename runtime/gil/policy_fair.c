/* Policy "fair": like the kernel's fair scheduler. A thread's account is the time it held the lock; the ready thread
 * with the least account is next. One that comes back from a wait with clearly less than the owner is let in at the
 * owner's next safe point, so threads that do I/O answer in microseconds beside threads that compute; threads that
 * compute take turns of one interval.
 *
 * Who came while the lock was only offered is judged when it has an owner: else it would wait an interval for one that
 * computes.
 *
 * A thread that grants is let work for a while first: it may well have more to give, and then to wait itself.
 *
 * Source: wake-up preemption of Linux' CFS, with its bounds. A sleeper is credited at most CREDIT, whatever it slept;
 * being let in costs it CHARGE, so that the owner is disturbed within a budget; the floor, the least account of those who
 * compute (the owner, who is in line, who is just made to leave), never falls and lets nobody live on a small account for
 * ever. So nobody starves.
 */
#include "runtime/gil/internal.h"

enum {
  LAG_PARTS = 5,     /* let in when behind the owner by interval / LAG_PARTS: less is not worth a switch */
  CREDIT_PARTS = 2,  /* credited at most interval / CREDIT_PARTS */
  CHARGE_NS = 50000, /* about what a switch costs the owner */
  SCAN = 64          /* behind so many ready threads the order is only roughly that of the accounts */
};

/* Up to the end of its last hold; of a thread that is made to leave, this hold was counted before it is readied. */
static int64_t account(const GilThread *t) { return (int64_t)gil_peek(&t->held) + t->handicap; }

static int64_t account_of_owner(const GilThread *t, uint64_t now) {
  return (int64_t)gil_held_ticks(t, now) + t->handicap;
}

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

static void insert_by_key(GilQueue *q, GilThread *t) {
  GilThread *before = q->tail;
  for (int i = 0; i < SCAN && before != NULL && before->key > t->key; i++) before = before->prev;
  gil_queue_insert(q, before, t);
}

static void ready(Gil *g, GilThread *t, uint64_t now, ReadyWhy why) {
  GilThread *owner = gil_owner(atomic_load_explicit(&g->word, memory_order_relaxed));
  int64_t running = INT64_MAX;
  if (owner != NULL && owner != t) running = account_of_owner(owner, now);
  int64_t lowest = g->ready.head != NULL ? least(running, g->ready.head->key) : running;
  if (why == READY_FORCED) lowest = least(lowest, account(t)); /* the floor is never above who computes */
  if (lowest != INT64_MAX && lowest > g->floor) g->floor = lowest;
  int64_t credited = g->floor - (int64_t)(g->interval / CREDIT_PARTS);
  t->key = account(t);
  if (t->key < credited) {
    t->handicap += credited - t->key;
    t->key = credited;
  }
  insert_by_key(&g->ready, t);
  if (why == READY_FORCED || running == INT64_MAX || running - t->key <= (int64_t)(g->interval / LAG_PARTS)) return;
  if (why == READY_GRANTED && now - gil_peek(&g->turn_since) < g->interval / LAG_PARTS) return;
  t->handicap += (int64_t)(CHARGE_NS * g->ticks_per_ns);
  t->urgent_in = gil_peek(&g->turn_since);
}

static void judge(Gil *g, GilThread *first, uint64_t now) {
  const GilThread *owner = gil_owner(atomic_load_explicit(&g->word, memory_order_relaxed));
  if (first->urgent_in == gil_peek(&g->turn_since)) return;
  if (account_of_owner(owner, now) - first->key <= (int64_t)(g->interval / LAG_PARTS)) return;
  if (first->urgent_in == 0) first->handicap += (int64_t)(CHARGE_NS * g->ticks_per_ns); /* once in a wait */
  first->urgent_in = gil_peek(&g->turn_since);
}

static bool straight_back(Gil *g, GilThread *t, uint64_t now) {
  return g->last == t && now - gil_peek(&g->turn_since) < g->interval;
}

const Policy policy_fair = {.name = "fair", .ready = ready, .judge = judge, .straight_back = straight_back};
