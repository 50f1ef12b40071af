/* Policy "ticks": Python 2. Every POLL VM instructions the owner frees the lock and at once tries to take it again, and
 * a thread woken for it mostly comes too late: the release-and-grab battle. Here to be looked at.
 *
 * Source: CPython 2.7's Python/ceval.c (sys.setcheckinterval, 100).
 */
#include "runtime/gil/internal.h"

enum { POLL = 100 };

static void ready(Gil *g, GilThread *t, uint64_t now, ReadyWhy why) {
  (void)now, (void)why;
  gil_queue_insert(&g->ready, g->ready.tail, t);
}

static bool straight_back(Gil *g, GilThread *t, uint64_t now) {
  (void)g, (void)t, (void)now;
  return true;
}

const Policy policy_ticks = {
    .name = "ticks", .poll = POLL, .battle = true, .patient = true, .ready = ready, .straight_back = straight_back};
