/* Policy "seeded": the line of a schedule (schedule.h), which decides who of it is next. Sorted by number, so that it is the
 * same whoever came first.
 */
#include "runtime/gil/internal.h"

static void ready(Gil *g, GilThread *t, uint64_t now, ReadyWhy why) {
  (void)now, (void)why;
  GilThread *before = g->ready.tail;
  while (before != NULL && before->scheduled.number > t->scheduled.number) before = before->prev;
  gil_queue_insert(&g->ready, before, t);
}

static bool straight_back(Gil *g, GilThread *t, uint64_t now) {
  (void)g, (void)t, (void)now;
  return false;
}

/* poll: nobody asks by signals, whose moment nobody decides. */
const Policy policy_seeded = {.name = "seeded", .poll = 1, .patient = true, .ready = ready, .straight_back = straight_back};
