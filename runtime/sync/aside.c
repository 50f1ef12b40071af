/* See aside.h. */
#include "runtime/sync/aside.h"

#include <assert.h>

#include "runtime/state/hear.h"

bool aside_sane(const Tstate *ts) {
  unsigned n = 0;
  for (const Waiter *w = ts->aside; w != NULL; w = w->outer, n++) {
    if (!w->aside || w->untimed || w->ts != ts) return false;
    if (w->queue != NULL && (w->granted || w->home != NULL || w->claim != NULL)) return false;
  }
  return !ts->wait.aside && (n == 0 || n <= ts->rt->hearing->depth + 1);
}

void aside_begin(Tstate *ts) {
  Waiter *w = &ts->wait, *a = &ts->rt->hearing->aside[ts->rt->hearing->depth];
  assert(!w->granted && !w->untimed && ts->rt->hearing->depth < HEAR_DEPTH);
  if (w->claim != NULL && w->queue != NULL) {
    w->home = w->queue;
    waitq_remove(w);
  }
  *a = *w;
  a->aside = true;
  a->outer = ts->aside;
  ts->aside = a;
  if (w->queue != NULL) waitq_replace(w, a);
  *w = (Waiter){.ts = ts};
  assert(aside_sane(ts));
}

void aside_end(Tstate *ts) {
  Waiter *w = &ts->wait, *a = ts->aside;
  assert(w->queue == NULL && aside_sane(ts));
  ts->aside = a->outer;
  *w = *a;
  w->aside = false;
  w->outer = NULL;
  w->home = NULL;
  if (a->queue != NULL) {
    waitq_replace(a, w);
  } else if (!w->granted && a->home != NULL) {
    if (w->claim(ts, w)) w->granted = true;
    else waitq_rejoin(a->home, w);
  }
}
