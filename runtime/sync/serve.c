/* See serve.h.
 *
 * A handler runs in a coroutine of its own, called on the C stack of whoever was interrupted: amid a hook Lua calls no
 * other hooks on the same lua_State, so there it could not be preempted. Its error goes to where the signal was heard.
 */
#include "runtime/sync/serve.h"

#include <lauxlib.h>

#include "runtime/os/signames.h"
#include "runtime/state/error.h"
#include "runtime/state/request.h"
#include "runtime/state/running.h"
#include "runtime/state/userhook.h"
#include "runtime/sync/park.h"

static int run_in(lua_State *co, Tstate *ts) {
  Running before;
  running_enter(ts, &before, co);
  int status = lua_pcall(co, 1, 0, 1);
  running_leave(ts, &before);
  return status;
}

/* Protected: calls the handler of the signal *arg. */
static int call_handler(lua_State *L) {
  int sig = *(int *)lua_touserdata(L, 1);
  char name[SIGNAME_ROOM];
  lua_settop(L, 0);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, SERVE_HANDLERS);
  if (lua_rawgeti(L, 1, sig) != LUA_TFUNCTION) return 0;
  lua_State *co = lua_newthread(L);
  if (lua_gethook(co) != NULL) userhook_inherit(L, L, co);
  lua_pushcfunction(co, error_traceback_handler);
  lua_pushvalue(L, 2);
  lua_xmove(L, co, 1);
  lua_pushstring(co, signal_name(sig, name));
  if (run_in(co, tstate_self()) == LUA_OK) return 0;
  lua_xmove(co, L, 1);
  return lua_error(L);
}

static bool give_to_taker(Tstate *self, Hearing *h, int sig) {
  for (Waiter *w = h->takers.head; w != NULL; w = w->next) {
    if ((*(const uint64_t *)w->object & serve_bit(sig)) == 0) continue;
    w->outcome = sig;
    park_grant(self, w, false);
    return true;
  }
  return false;
}

static bool call(lua_State *L, Tstate *ts, Hearing *h, int sig) {
  h->running[sig] = true;
  h->depth++;
  bool ok = request_call(L, call_handler, &sig);
  h->depth--;
  h->running[sig] = false;
  park_grant_all(ts, &h->pausers);
  return ok;
}

/* Returns false if a handler raised something. */
static bool serve(lua_State *L, Tstate *ts, Hearing *h, int sig, bool *called) {
  while (!h->running[sig] && h->depth < HEAR_DEPTH && hear_take(h, sig)) {
    if (give_to_taker(ts, h, sig) || h->action[sig] != HEAR_CALL) continue;
    *called = true;
    if (!call(L, ts, h, sig)) return false;
  }
  return true;
}

/* What cannot be called now (the signal's handler runs, or too many do) is seen by the call of this that is below. */
void serve_signals(lua_State *L, Tstate *ts) {
  Hearing *h = ts->rt->hearing;
  bool called = true;
  atomic_fetch_and(&ts->gil.requests, ~(uint32_t)REQUEST_SIGNAL); /* seq_cst, before the counts are read: hear.h */
  while (called) {
    called = false;
    for (int sig = 1; sig < NSIG; sig++) {
      if (atomic_load(&h->heard[sig]) == 0 || serve(L, ts, h, sig, &called)) continue;
      atomic_fetch_or(&ts->gil.requests, REQUEST_SIGNAL); /* perhaps for nothing: for what came behind it */
      return;
    }
  }
}
