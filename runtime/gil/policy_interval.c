/* Policy "interval": CPython 3.2 and later. Whoever wants the lock waits a full interval before the owner is asked, and
 * a thread back from a native call takes a free lock whoever else is ready. Here to show the convoy effect: a thread
 * that answers in microseconds alone needs an interval an answer beside one that computes.
 *
 * Source: CPython's Python/ceval_gil.c.
 */
#include "runtime/gil/internal.h"

static void ready(Gil *g, GilThread *t, uint64_t now, ReadyWhy why) {
  (void)now, (void)why;
  gil_queue_insert(&g->ready, g->ready.tail, t);
}

static bool straight_back(Gil *g, GilThread *t, uint64_t now) {
  (void)g, (void)t, (void)now;
  return true;
}

const Policy policy_interval = {
    .name = "interval", .patient = true, .ready = ready, .straight_back = straight_back};
