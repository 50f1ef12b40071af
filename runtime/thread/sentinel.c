/* Waiting for threads in the finalizers of lua_close. */
#include "runtime/thread/sentinel.h"

#include <lauxlib.h>

#include "runtime/state/request.h"
#include "runtime/state/running.h"
#include "runtime/thread/closer.h"
#include "runtime/thread/shutdown.h"

#define SENTINEL_META "gilua.sentinel"

typedef void (*End)(Runtime *rt, bool clean);

/* A thread that keeps the lock in C code bounds this, too: main cannot jump out of lua_close. */
static bool end_threads(lua_State *L, Runtime *rt) {
  Closer closer;
  int64_t timeout = rt->shutdown_timeout_ns, until = timeout != 0 ? clock_ns() + timeout : CLOCK_NEVER;
  bool bounded = timeout != 0 && rt->phase < PHASE_CANCELLING;
  if (bounded) closer_start(&closer, rt, until, CLOCK_NEVER);
  if (rt->phase < PHASE_CANCELLING) shutdown_join(L, rt, until);
  bool clean = shutdown_cancel(L, rt, timeout != 0 ? timeout : SHUTDOWN_TIMEOUT_NS);
  if (bounded) closer_end(&closer);
  if (bounded) request_drop_interrupt(rt->main); /* one that came too late */
  return clean;
}

/* Main thread only: it is the one that closes the state. Returns whether the others have ended. */
static bool wait_for_threads(lua_State *L, Runtime *rt) {
  Tstate *ts = tstate_self();
  if (ts == NULL || ts != rt->main || !gil_held(&ts->gil)) return false;
  Running before;
  running_enter(ts, &before, L);
  rt->ending = true;
  bool clean = end_threads(L, rt);
  rt->ending = false;
  running_leave(ts, &before);
  return clean;
}

static int sentinel_gc(lua_State *L) {
  End *end = lua_touserdata(L, 1);
  Runtime *rt = runtime_of(L);
  if (rt == NULL) return 0;
  bool others = rt->nthreads > 1 || rt->at_exit != NULL || *end != NULL;
  bool clean = rt->phase != PHASE_LEFT && (others ? wait_for_threads(L, rt) : true);
  if (*end != NULL) (*end)(rt, clean);
  return 0;
}

static void make(lua_State *L, End end) {
  luaL_checkstack(L, 4, NULL);
  End *box = lua_newuserdatauv(L, sizeof end, 0);
  *box = end;
  if (luaL_newmetatable(L, SENTINEL_META)) {
    lua_pushcfunction(L, sentinel_gc);
    lua_setfield(L, -2, "__gc");
    lua_pushliteral(L, "gilua.sentinel");
    lua_setfield(L, -2, "__metatable");
  }
  lua_setmetatable(L, -2);
}

void sentinel_root(lua_State *L, void (*end)(Runtime *rt, bool clean)) {
  make(L, end);
  luaL_ref(L, LUA_REGISTRYINDEX);
}

void sentinel_new(lua_State *L) {
  static const char newest_key = 0; /* its address names the registry entry of the newest, the only one with a finalizer */
  make(L, NULL);
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &newest_key) == LUA_TUSERDATA) {
    lua_pushnil(L);
    lua_setmetatable(L, -2);
  }
  lua_pop(L, 1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &newest_key);
}
