/* Raising what a thread was told to do. */
#include "runtime/state/request.h"

#include <lauxlib.h>

#include "runtime/state/bypass.h"
#include "runtime/state/error.h"
#include "runtime/state/finalizer.h"
#include "runtime/state/hook.h"
#include "runtime/state/order.h"
#include "runtime/state/handlers.h"

enum { SERVE_TRIES = 3 };

static void clear(Tstate *ts, uint32_t bit) {
  atomic_fetch_and_explicit(&ts->gil.requests, ~bit, memory_order_relaxed);
}

void request_drop_cancel(lua_State *L, Tstate *ts) {
  clear(ts, REQUEST_CANCEL);
  luaL_unref(L, LUA_REGISTRYINDEX, ts->cancel_ref);
  ts->cancel_ref = LUA_NOREF;
}

void request_drop_interrupt(Tstate *ts) { clear(ts, REQUEST_INTERRUPT); }

/* Raises the value on top of the stack. */
static int raise_it(lua_State *L, Tstate *ts) {
  error_note_request(L);
  bypass_handler(L, ts->rt);
  return lua_error(L);
}

static int raise_cancelled(lua_State *L, Tstate *ts) {
  clear(ts, REQUEST_CANCEL);
  order_acquire(ts, ts);
  luaL_checkstack(L, 2, NULL);
  if (ts->cancel_ref == LUA_NOREF) lua_pushliteral(L, "the thread was cancelled");
  else lua_rawgeti(L, LUA_REGISTRYINDEX, ts->cancel_ref);
  luaL_unref(L, LUA_REGISTRYINDEX, ts->cancel_ref);
  ts->cancel_ref = LUA_NOREF;
  error_push_value(L, ERROR_CANCELLED);
  return raise_it(L, ts);
}

static int call_hook(lua_State *L) {
  lua_Hook *hook = lua_touserdata(L, 1);
  lua_pop(L, 1);
  error_forget(L); /* what it raises came from where it was called */
  hook_call(L, *hook);
  return 0;
}

static int keep_error(lua_State *L) {
  Tstate *ts = tstate_self();
  lua_settop(L, 1);
  ts->hook_error_ref = luaL_ref(L, LUA_REGISTRYINDEX);
  atomic_fetch_or_explicit(&ts->gil.requests, REQUEST_HOOK, memory_order_relaxed);
  return 0;
}

/* Another hook may come at any of these calls, and raise. */
bool request_call(lua_State *L, lua_CFunction f, void *arg) {
  lua_pushcfunction(L, f);
  lua_pushlightuserdata(L, arg);
  int i = 0;
  for (; lua_pcall(L, 1, 0, 0) != LUA_OK; i++) {
    if (i == SERVE_TRIES) { /* no memory */
      lua_pop(L, 1);
      break;
    }
    lua_pushcfunction(L, keep_error);
    lua_insert(L, -2);
  }
  return i == 0;
}

static void serve_hook(Tstate *ts, lua_State *L) {
  clear(ts, REQUEST_HOOK);
  ts->serving = true;
  lua_Hook hook = hook_take_stirring(ts);
  request_call(L, call_hook, &hook);
  ts->serving = false;
}

bool request_serve(Tstate *ts) {
  lua_State *L = ts->current;
  uint32_t asked = request_hears(ts) | REQUEST_HOOK;
  if ((atomic_load_explicit(&ts->gil.requests, memory_order_relaxed) & asked) == 0 || ts->hook_error_ref != LUA_NOREF)
    return !request_pending(ts);
  if (!lua_checkstack(L, LUA_MINSTACK)) return false;
  if ((atomic_load_explicit(&ts->gil.requests, memory_order_relaxed) & REQUEST_HOOK) != 0) serve_hook(ts, L);
  if ((atomic_load_explicit(&ts->gil.requests, memory_order_relaxed) & request_hears(ts)) != 0) ts->rt->serve_signals(L, ts);
  return !request_pending(ts);
}

static void raise_kept(lua_State *L, Tstate *ts) {
  luaL_checkstack(L, 3, NULL);
  lua_rawgeti(L, LUA_REGISTRYINDEX, ts->hook_error_ref);
  luaL_unref(L, LUA_REGISTRYINDEX, ts->hook_error_ref);
  ts->hook_error_ref = LUA_NOREF;
  error_remember_handler(L, -1);
  raise_it(L, ts);
}

/* Amid Lua code, where all that they raise is raised at once. */
static void hear(lua_State *L, Tstate *ts) {
  luaL_checkstack(L, LUA_MINSTACK, NULL);
  ts->rt->serve_signals(L, ts);
}

void request_raise(lua_State *L, Tstate *ts) {
  if (!request_stops(ts) || waits_forbidden(ts)) return;
  if ((atomic_load_explicit(&ts->gil.requests, memory_order_relaxed) & request_hears(ts)) != 0) hear(L, ts);
  uint32_t requests = atomic_load_explicit(&ts->gil.requests, memory_order_relaxed);
  if ((requests & REQUEST_EXIT) != 0) {
    clear(ts, REQUEST_EXIT);
    if (!ts->rt->exit.begun) ts->rt->exit.act(L, ts->rt);
  }
  if ((requests & REQUEST_HOOK) != 0) {
    clear(ts, REQUEST_HOOK);
    if (ts->hook_error_ref != LUA_NOREF) raise_kept(L, ts);
    hook_call(L, hook_take_stirring(ts));
  }
  if ((requests & REQUEST_INTERRUPT) != 0) {
    clear(ts, REQUEST_INTERRUPT);
    if (ts == ts->rt->main) handlers_interrupt_served();
    error_push(L, ERROR_INTERRUPTED, "interrupted by Ctrl-C");
    raise_it(L, ts);
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
  order_release(self, target);
  gil_request(&self->gil, &target->gil, REQUEST_CANCEL);
}
