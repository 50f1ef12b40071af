/* Raising what a thread was told to do. */
#include "runtime/thread/request.h"

#include <lauxlib.h>

#include "runtime/thread/error.h"
#include "runtime/thread/finalizer.h"
#include "runtime/thread/hook.h"

static void clear(Tstate *ts, uint32_t bit) {
  atomic_fetch_and_explicit(&ts->gil.requests, ~bit, memory_order_relaxed);
}

void request_drop_cancel(lua_State *L, Tstate *ts) {
  clear(ts, REQUEST_CANCEL);
  luaL_unref(L, LUA_REGISTRYINDEX, ts->cancel_ref);
  ts->cancel_ref = LUA_NOREF;
}

void request_drop_interrupt(Tstate *ts) { clear(ts, REQUEST_INTERRUPT); }

static int raise_cancelled(lua_State *L, Tstate *ts) {
  clear(ts, REQUEST_CANCEL);
  if (ts->cancel_ref == LUA_NOREF) return error_raise(L, ERROR_CANCELLED, "the thread was cancelled");
  luaL_checkstack(L, 2, NULL);
  lua_rawgeti(L, LUA_REGISTRYINDEX, ts->cancel_ref);
  luaL_unref(L, LUA_REGISTRYINDEX, ts->cancel_ref);
  ts->cancel_ref = LUA_NOREF;
  error_push_value(L, ERROR_CANCELLED);
  return lua_error(L);
}

void request_raise(lua_State *L, Tstate *ts) {
  uint32_t requests = atomic_load_explicit(&ts->gil.requests, memory_order_relaxed);
  if ((requests & REQUEST_RAISES) == 0 || waits_forbidden(ts)) return;
  if ((requests & REQUEST_EXIT) != 0) {
    clear(ts, REQUEST_EXIT);
    if (!ts->rt->exit.begun) ts->rt->exit.act(L, ts->rt);
  }
  if ((requests & REQUEST_HOOK) != 0) {
    clear(ts, REQUEST_HOOK);
    hook_call_foreign(L, ts);
  }
  if ((requests & REQUEST_INTERRUPT) != 0) {
    clear(ts, REQUEST_INTERRUPT);
    error_raise(L, ERROR_INTERRUPTED, "interrupted by Ctrl-C");
  }
  if ((requests & REQUEST_CANCEL) != 0) raise_cancelled(L, ts);
}

void request_cancel(lua_State *L, Tstate *self, Tstate *target, int msg) {
  if (msg != 0) {
    luaL_unref(L, LUA_REGISTRYINDEX, target->cancel_ref);
    target->cancel_ref = LUA_NOREF;
    lua_pushvalue(L, msg);
    target->cancel_ref = luaL_ref(L, LUA_REGISTRYINDEX);
  }
  gil_request(&self->gil, &target->gil, REQUEST_CANCEL);
}
