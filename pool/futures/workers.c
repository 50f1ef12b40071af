/* Counting the stuck. */
#include "pool/futures/workers.h"

#include <lauxlib.h>

#include "runtime/sync/deadlock.h"

void workers_enter(Workers *all, Worker *w, Tstate *ts) {
  *w = (Worker){.all = all, .ts = ts, .next = all->first};
  if (w->next != NULL) w->next->prev = w;
  all->first = w;
  ts->worker = w;
}

void workers_leave(Worker *w) {
  if (w->next != NULL) w->next->prev = w->prev;
  if (w->prev != NULL) w->prev->next = w->next;
  else w->all->first = w->next;
  w->ts->worker = NULL;
}

/* A worker whose wait was ended is not stuck, though it has not run since. */
static bool all_stuck(const Workers *all) {
  if (all->count < all->most) return false;
  int n = 0;
  for (const Worker *w = all->first; w != NULL; w = w->next, n++)
    if (!w->stuck || (w->ts->wait.what != NULL && w->ts->wait.granted)) return false;
  return n == all->count; /* else one is about to start */
}

bool workers_begin_wait(Tstate *ts, const Workers *all, int64_t deadline) {
  Worker *w = ts->worker;
  if (w == NULL || all != w->all || deadline != CLOCK_NEVER) return true;
  w->stuck = true;
  if (!all_stuck(all)) return true;
  w->stuck = false;
  return false;
}

void workers_end_wait(Tstate *ts) {
  if (ts->worker != NULL) ((Worker *)ts->worker)->stuck = false;
}

int workers_raise_deadlock(lua_State *L, Tstate *ts, const char *what, lua_Integer runner) {
  const Workers *all = ((Worker *)ts->worker)->all;
  static const char says[] = "all workers of the pool wait for tasks of the same pool, and nobody is left to run them: ";
  if (!deadlock_found_begin(ts, says, (unsigned)all->count)) return luaL_error(L, "not enough memory");
  deadlock_found_add(ts, ts, what, runner);
  for (const Worker *w = all->first; w != NULL; w = w->next)
    if (w->ts != ts) deadlock_found_add(ts, w->ts, what, 0);
  return deadlock_raise(L, ts);
}
