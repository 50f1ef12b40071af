/* Coming back into a runtime that the thread is inside of already, from a region of native work or past another runtime. */
#include "runtime/thread/reentry.h"

#include <stdlib.h>

#include "runtime/sync/blocking.h"
#include "runtime/thread/visit.h"

Tstate *reentry_step_out(void) {
  Tstate *ts = tstate_self();
  if (ts == NULL || ts->blocking > 0 || !gil_held(&ts->gil)) return NULL;
  blocking_begin_wait(ts, "runtime");
  return ts;
}

void reentry_step_back(Tstate *left) {
  if (left != NULL) blocking_end(left);
}

/* Puts ts first in the thread's chain; returns the state that stood before it, NULL if it was first. */
static Tstate *bring_forward(Tstate *ts) {
  if (tstate_self() == ts) return NULL;
  Tstate *before = tstate_self();
  while (before->outer != ts) before = before->outer;
  before->outer = ts->outer;
  tstate_enter(ts);
  return before;
}

static void put_back(Tstate *ts, Tstate *before) {
  if (before == NULL) return;
  tstate_leave(ts);
  ts->outer = before->outer;
  before->outer = ts;
}

int reentry_begin(Visit *v, lua_State **L) {
  Tstate *ts = v->ts;
  Reentry *r = malloc(sizeof *r);
  if (r == NULL) return VISIT_ENOMEM;
  *r = (Reentry){.outer = v->reentry, .depth = v->depth + 1, .blocking = ts->blocking, .region_top = ts->top};
  r->left = tstate_self() != ts ? reentry_step_out() : NULL;
  r->before = bring_forward(ts);
  if (!gil_held(&ts->gil) && !gil_take_open(&ts->gil)) {
    put_back(ts, r->before);
    reentry_step_back(r->left);
    free(r);
    return VISIT_ECLOSING;
  }
  r->top = lua_gettop(ts->current);
  r->doing = ts->doing;
  r->doing_waits = ts->doing_waits;
  ts->doing = NULL;
  ts->blocking = 0;
  v->reentry = r;
  v->depth++;
  *L = ts->current;
  return VISIT_OK;
}

void reentry_end(Visit *v) {
  Tstate *ts = v->ts;
  Reentry *r = v->reentry;
  lua_settop(ts->current, r->top);
  v->reentry = r->outer;
  v->depth--;
  ts->blocking = r->blocking;
  ts->doing = r->doing;
  ts->doing_waits = r->doing_waits;
  ts->top = r->region_top;
  if (ts->blocking > 0 && !ts->kept) gil_leave(&ts->gil);
  put_back(ts, r->before);
  reentry_step_back(r->left);
  free(r);
}
