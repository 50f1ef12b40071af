/* Counting the stuck. */
#include "pool/futures/crew.h"

#include "runtime/sync/deadlock.h"

void crew_enter(Crew *crew, Worker *w, Tstate *ts) {
  *w = (Worker){.crew = crew, .ts = ts, .next = crew->workers};
  if (w->next != NULL) w->next->prev = w;
  crew->workers = w;
  ts->worker = w;
}

void crew_leave(Worker *w) {
  if (w->next != NULL) w->next->prev = w->prev;
  if (w->prev != NULL) w->prev->next = w->next;
  else w->crew->workers = w->next;
  w->ts->worker = NULL;
}

/* A worker whose wait was ended is not stuck, though it has not run since. */
static bool all_stuck(const Crew *crew) {
  if (crew->count < crew->most) return false;
  int n = 0;
  for (const Worker *w = crew->workers; w != NULL; w = w->next, n++)
    if (!w->stuck || (w->ts->wait.what != NULL && w->ts->wait.granted)) return false;
  return n == crew->count; /* else one is about to start */
}

bool crew_begin_wait(Tstate *ts, const Future *f, int64_t deadline) {
  Worker *w = ts->worker;
  if (w == NULL || f->crew != w->crew || deadline != CLOCK_NEVER) return true;
  w->stuck = true;
  if (!all_stuck(w->crew)) return true;
  w->stuck = false;
  return false;
}

void crew_end_wait(Tstate *ts) {
  if (ts->worker != NULL) ts->worker->stuck = false;
}

int crew_raise_deadlock(lua_State *L, Tstate *ts, const char *what, lua_Integer runner) {
  const Crew *crew = ((Worker *)ts->worker)->crew;
  if (!deadlock_found_begin(ts, "all workers of the pool wait for tasks of the same pool, and nobody is left to run them: ",
                            (unsigned)crew->count))
    return luaL_error(L, "not enough memory");
  deadlock_found_add(ts, ts, what, runner);
  for (const Worker *w = crew->workers; w != NULL; w = w->next)
    if (w->ts != ts) deadlock_found_add(ts, w->ts, what, 0);
  return deadlock_raise(L, ts);
}
