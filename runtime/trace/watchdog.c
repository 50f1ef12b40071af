/* Noticing and telling long holds. */
#include "runtime/trace/watchdog.h"

#include <lauxlib.h>
#include <stdlib.h>

#include "runtime/state/error.h"
#include "runtime/state/request.h"
#include "runtime/thread/thread.h"

typedef struct Watchdog {
  int f_ref;                                          /* [G] registry: the Lua function, or LUA_NOREF */
  void (*notice)(void *data, const LongHold *hold);   /* [G] */
  void *data;                                         /* [G] */
  bool pending;                                       /* [G] */
  LongHold hold;                                      /* [G] if pending */
} Watchdog;

static void late(GilThread *self, GilThread *next, uint64_t ticks) {
  Tstate *ts = tstate_of(self);
  Watchdog *w = ts->rt->watchdog;
  int64_t ns = (int64_t)((double)ticks / self->gil->ticks_per_ns);
  if (!w->pending || ns > w->hold.waited_ns) {
    w->hold.ident = ts->ident;
    w->hold.waited_ns = ns;
    traceback_where(ts->current, w->hold.at, sizeof w->hold.at);
    w->pending = true;
  }
  /* relaxed: it is next to have the lock, and looks then */
  atomic_fetch_or_explicit(&next->requests, REQUEST_REPORT, memory_order_relaxed);
}

static void call(lua_State *L, Runtime *rt, const LongHold *hold) {
  int top = lua_gettop(L);
  lua_rawgeti(L, LUA_REGISTRYINDEX, rt->watchdog->f_ref);
  Tstate *holder = tstate_find(rt, hold->ident);
  if (holder != NULL) thread_push_current(L, holder);
  else lua_pushinteger(L, hold->ident);
  lua_pushstring(L, hold->at);
  lua_pushnumber(L, (lua_Number)hold->waited_ns / 1e9);
  if (error_call(L, 3, 0) != LUA_OK) {
    lua_warning(L, "error in gil.on_long_hold: ", 1);
    lua_warning(L, error_push_report(L, -1), 0);
  }
  lua_settop(L, top);
}

/* In the hook of L. A thread that ended, or a request that was served elsewhere, left nothing pending. */
static void tell(lua_State *L, Tstate *ts) {
  Watchdog *w = ts->rt->watchdog;
  if (w == NULL || !w->pending || !lua_checkstack(L, LUA_MINSTACK)) return;
  LongHold hold = w->hold;
  w->pending = false;
  if (w->notice != NULL) w->notice(w->data, &hold);
  if (w->f_ref != LUA_NOREF) call(L, ts->rt, &hold);
}

void watchdog_set(lua_State *L, Runtime *rt, int64_t ns, int f, void (*notice)(void *data, const LongHold *hold),
                  void *data) {
  Gil *g = &rt->gil;
  if (rt->watchdog == NULL) {
    if (ns == 0) return;
    rt->watchdog = calloc(1, sizeof *rt->watchdog);
    if (rt->watchdog == NULL) luaL_error(L, "not enough memory");
    rt->watchdog->f_ref = LUA_NOREF;
  }
  Watchdog *w = rt->watchdog;
  int ref = LUA_NOREF;
  if (ns != 0 && f != 0) {
    lua_pushvalue(L, f);
    ref = luaL_ref(L, LUA_REGISTRYINDEX);
  }
  luaL_unref(L, LUA_REGISTRYINDEX, w->f_ref);
  w->f_ref = ref;
  w->notice = ns != 0 ? notice : NULL;
  w->data = data;
  w->pending = false;
  rt->tell_report = tell;
  g->late = late;
  g->late_after = ns != 0 ? (uint64_t)((double)ns * g->ticks_per_ns) : UINT64_MAX;
}
