/* Counting the stuck. */
#include "pool/futures/crew.h"

#include "runtime/thread/error.h"

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

/* Pushes "script.lua:12" of where ts is, which is parked or the calling thread. */
static void push_where(lua_State *L, Tstate *ts) {
  lua_Debug ar;
  for (int level = 0; lua_getstack(ts->current, level, &ar); level++) {
    if (!lua_getinfo(ts->current, "Sl", &ar) || ar.currentline < 0) continue;
    lua_pushfstring(L, "%s:%d", ar.short_src, ar.currentline);
    return;
  }
  lua_pushliteral(L, "?");
}

int crew_raise_deadlock(lua_State *L, Tstate *ts) {
  const Crew *crew = ((Worker *)ts->worker)->crew;
  luaL_checkstack(L, 8, NULL);
  error_push(L, ERROR_DEADLOCK,
             "all workers of the pool (%d) wait for tasks of the same pool, and nobody is left to run them", crew->most);
  lua_newtable(L);
  lua_Integer n = 0;
  for (const Worker *w = crew->workers; w != NULL; w = w->next) {
    lua_createtable(L, 0, 3);
    ts->rt->push_thread(L, w->ts);
    lua_setfield(L, -2, "thread");
    lua_pushliteral(L, "future");
    lua_setfield(L, -2, "waits_for");
    push_where(L, w->ts);
    lua_setfield(L, -2, "at");
    lua_rawseti(L, -2, ++n);
  }
  lua_setfield(L, -2, "cycle");
  return lua_error(L);
}
