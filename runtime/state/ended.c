/* Keeping what ended threads counted. */
#include "runtime/state/ended.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void add(EndedThread *sum, const EndedThread *e) {
  sum->acquisitions += e->acquisitions;
  sum->held += e->held;
  sum->waited += e->waited;
  sum->forced += e->forced;
  if (e->longest <= sum->longest) return;
  sum->longest = e->longest;
  memcpy(sum->longest_at, e->longest_at, sizeof sum->longest_at);
}

void ended_note(const Tstate *ts, const char *name) {
  Runtime *rt = ts->rt;
  if (rt->ended == NULL) rt->ended = calloc(1, sizeof *rt->ended);
  if (rt->ended == NULL) return;
  EndedThread *e = &rt->ended->newest[rt->ended->n % ENDED_KEPT];
  if (rt->ended->n >= ENDED_KEPT) add(&rt->ended->others, e);
  rt->ended->n++;
  const GilThread *t = &ts->gil;
  snprintf(e->name, sizeof e->name, "%s", name);
  e->ident = ts->ident;
  e->acquisitions = t->acquisitions;
  e->held = gil_held_ticks(t, clock_ticks(&t->gil->clock));
  e->waited = t->waited;
  e->forced = t->forced;
  e->longest = t->longest;
  memcpy(e->longest_at, ts->longest_at, sizeof e->longest_at);
}
