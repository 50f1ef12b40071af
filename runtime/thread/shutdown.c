/* Joining and cancelling at the end. */
#include "runtime/thread/shutdown.h"

#include <lauxlib.h>
#include <sched.h>

#include "runtime/sync/park.h"
#include "runtime/state/request.h"
#include "runtime/thread/thread.h"
#include "runtime/thread/visit.h"

enum { LAST_CANCELS = 5, BETWEEN_CANCELS_NS = 20000000, LAST_STEPS_NS = 1000000000 };

/* Another thread is in os.exit: main does it. */
static void serve_exit(lua_State *L, Runtime *rt) {
  if (rt->exit.waiting > 0 && !rt->exit.begun) rt->exit.act(L, rt);
}

/* The main thread counts as ended: who joins it goes on. */
static void end_main(lua_State *L, Runtime *rt) {
  rt->phase = PHASE_JOINING;
  if (rt->main->thread_ref == LUA_NOREF) return; /* nobody joins it, and this may be no time to allocate */
  Thread *t = thread_push_current(L, rt->main);
  park_grant_all(rt->main, &t->joiners);
  t->state = THREAD_DONE;
  t->ts = NULL;
  lua_pop(L, 1);
}

static bool somebody_to_join(lua_State *L, Runtime *rt) {
  bool found = false;
  for (Tstate *ts = rt->threads; ts != NULL && !found; ts = ts->next) {
    if (ts == rt->main || !ts->owned) continue;
    lua_rawgeti(L, LUA_REGISTRYINDEX, ts->thread_ref);
    found = !((Thread *)lua_touserdata(L, -1))->daemon;
    lua_pop(L, 1);
  }
  return found;
}

/* Waits until some thread ends; false when the deadline has passed or Ctrl-C came. An exit that another thread asked for
 * is done here. */
static bool await_ending(lua_State *L, Runtime *rt, int64_t deadline) {
  ParkResult result = park(rt->main, &rt->endings, deadline, "shutdown", rt);
  if (result != PARK_REQUESTED) return result == PARK_GRANTED;
  uint32_t old = atomic_fetch_and_explicit(&rt->main->gil.requests, ~(uint32_t)REQUEST_RAISES, memory_order_relaxed);
  if ((old & REQUEST_EXIT) != 0) serve_exit(L, rt);
  return false;
}

static bool run_at_exit(lua_State *L, Runtime *rt, bool joined) {
  for (RuntimeExit *e = rt->at_exit; e != NULL; e = e->next)
    if (!e->run(L, e, joined)) return false;
  return true;
}

bool shutdown_join(lua_State *L, Runtime *rt, int64_t deadline) {
  luaL_checkstack(L, 8, NULL);
  if (rt->phase >= PHASE_JOINING) return true; /* joined before; Ctrl-C may have ended that */
  end_main(L, rt);
  serve_exit(L, rt);
  if (!run_at_exit(L, rt, false)) return false;
  while (somebody_to_join(L, rt))
    if (!await_ending(L, rt, deadline)) return false;
  return run_at_exit(L, rt, true);
}

void shutdown_detach(lua_State *L, Runtime *rt) {
  luaL_checkstack(L, 8, NULL);
  for (RuntimeExit *e = rt->at_exit; e != NULL; e = e->next) e->detach(L, e, false);
  for (RuntimeExit *e = rt->at_exit; e != NULL; e = e->next) e->detach(L, e, true);
  for (RuntimeExit *e = rt->at_exit; e != NULL; e = e->next) e->rt = NULL;
  rt->at_exit = NULL;
}

/* Threads that may still run Lua: not main, and not one that waits in os.exit for main to end the process. */
static unsigned cancel_all(Runtime *rt) {
  unsigned n = 0;
  for (Tstate *ts = rt->threads; ts != NULL; ts = ts->next) {
    if (ts == rt->main || ts->exiting) continue;
    gil_request(&rt->main->gil, &ts->gil, REQUEST_CANCEL);
    n++;
  }
  return n;
}

/* Native threads outside are forgotten, those on their way in or out arrive. */
static void settle_visits(Runtime *rt, int64_t deadline) {
  GilThread *main = &rt->main->gil;
  while (visit_sweep(rt) > 0 && gil_now(&rt->gil) < deadline) {
    gil_leave(main);
    sched_yield();
    gil_take(main);
  }
}

/* Waits until only main is left, or the deadline. */
static void await_others(lua_State *L, Runtime *rt, int64_t deadline) {
  while (rt->nthreads > 1 + rt->exit.waiting && gil_now(&rt->gil) < deadline) {
    await_ending(L, rt, deadline);
    settle_visits(rt, deadline);
  }
}

bool shutdown_cancel(lua_State *L, Runtime *rt, int64_t timeout_ns) {
  if (rt->phase >= PHASE_ENDED) return rt->phase == PHASE_ENDED;
  int64_t deadline = gil_now(&rt->gil) + timeout_ns;
  rt->phase = PHASE_CANCELLING;
  serve_exit(L, rt);
  visit_shut(rt);
  settle_visits(rt, deadline);
  if (cancel_all(rt) > 0) await_others(L, rt, deadline);
  /* who swallowed it, in a handler that is through by now or in a loop, gets it again; a clean-up had its time */
  for (int i = 0; i < LAST_CANCELS && cancel_all(rt) > 0; i++) await_others(L, rt, gil_now(&rt->gil) + BETWEEN_CANCELS_NS);
  settle_visits(rt, gil_now(&rt->gil) + LAST_STEPS_NS);
  serve_exit(L, rt);
  if (rt->end_recording != NULL) rt->end_recording(rt); /* while there are Lua states to be named in it */
  if (cancel_all(rt) > 0 || visit_sweep(rt) > 0) return shutdown_leave(rt);
  rt->phase = PHASE_ENDED;
  return true;
}

bool shutdown_leave(Runtime *rt) {
  if (rt->phase != PHASE_LEFT) gil_close(&rt->main->gil);
  rt->phase = PHASE_LEFT;
  return false;
}
