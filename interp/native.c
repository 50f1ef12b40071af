/* The other side of gilua_native.h. L tells which runtime is meant: a thread may be in several, and L may be a plain
 * state that some module made for itself. */
#include "interp/native.h"

#include <errno.h>
#include <lauxlib.h>
#include <string.h>

#include "interp/gilua_native.h"
#include "pool/process/offload.h"
#include "runtime/native/buffer.h"
#include "runtime/os/poll.h"
#include "runtime/sync/blocking.h"
#include "runtime/state/finalizer.h"
#include "runtime/state/doors.h"
#include "runtime/state/request.h"
#include "runtime/state/running.h"
#include "runtime/thread/visit.h"

/* The calling thread's state in the runtime of L; NULL if L has none, or this thread is not in it. Needs no lock: which
 * registry a state has never changes. */
static Tstate *self_of(lua_State *L) {
  const void *universe = lua_topointer(L, LUA_REGISTRYINDEX);
  Tstate *ts = tstate_self();
  while (ts != NULL && ts->rt->universe != universe) ts = ts->outer;
  return ts;
}

static void native_blocking_begin(lua_State *L) {
  Tstate *ts = self_of(L);
  if (ts != NULL) blocking_begin(ts, "native");
}

static void native_blocking_end(lua_State *L) {
  Tstate *ts = self_of(L);
  if (ts != NULL) blocking_end(ts);
}

static int native_blocking_call(lua_State *L, void (*fn)(void *), void *arg, void (*unblock)(void *),
                                void *unblock_arg) {
  Tstate *ts = self_of(L);
  if (ts == NULL) {
    fn(arg);
    return GILUA_OK;
  }
  ParkResult result = blocking_call(ts, "native", fn, arg, unblock, unblock_arg);
  return result == PARK_REQUESTED || request_pending(ts) ? GILUA_EINTERRUPTED : GILUA_OK;
}

/* L has no runtime, though another state of this process has one. */
static int plain_poll(int fd, short events, int64_t deadline_ns) {
  struct pollfd p = {.fd = fd, .events = events};
  int ready;
  do ready = os_poll(&p, 1, deadline_ns); while (ready < 0 && errno == EINTR);
  if (ready < 0) return POLLERR;
  return ready > 0 ? p.revents : 0;
}

static int native_wait_fd(lua_State *L, int fd, int events, int64_t deadline_ns) {
  Tstate *ts = self_of(L);
  short revents = 0;
  if (ts == NULL) return plain_poll(fd, (short)events, deadline_ns);
  switch (blocking_wait_fd(ts, fd, (short)events, deadline_ns, &revents)) {
    case PARK_GRANTED: return revents;
    case PARK_TIMEOUT: return 0;
    case PARK_FORBIDDEN: return GILUA_EFINALIZER;
    default: return GILUA_EINTERRUPTED;
  }
}

static void native_check(lua_State *L) {
  Tstate *ts = self_of(L);
  if (ts == NULL || atomic_load_explicit(&ts->gil.requests, memory_order_relaxed) == 0) return;
  running_look(ts, L);
  if ((atomic_load_explicit(&ts->gil.requests, memory_order_relaxed) & REQUEST_SWITCH) != 0) lock_yield(ts);
  request_raise(L, ts);
}

static void native_module(lua_State *L, const char *name, int abi, int flags) {
  Runtime *rt = runtime_of(L);
  if (rt == NULL || rt->door == NULL) return;
  if (abi / 100 != GILUA_ABI / 100 || abi > GILUA_ABI)
    luaL_error(L,
               "module '%s' was compiled for version %d.%d of gilua's native interface, this is %d.%d: compile it again",
               name, abi / 100, abi % 100, GILUA_ABI / 100, GILUA_ABI % 100);
  int err = (flags & GILUA_MANY_RUNTIMES) != 0 ? 0 : doors_use_module(rt->door, name);
  if (err == EBUSY)
    luaL_error(L, "module '%s' is in use in another runtime of this process, and is not declared safe for several",
               name);
  if (err != 0) luaL_error(L, "not enough memory");
}

static int native_buffer_check(lua_State *L, int index, const char *type, gilua_Buffer *out) {
  const Buffer *b = buffer_check(L, index);
  const char *has = buffer_type_names[b->type];
  if (type != NULL && strcmp(type, has) != 0)
    return luaL_argerror(L, index, lua_pushfstring(L, "buffer of %s expected, got %s", type, has));
  *out = (gilua_Buffer){.data = b->data, .length = b->length, .item_size = buffer_item_sizes[b->type], .type = has};
  return GILUA_OK;
}

static int native_buffer_pin(lua_State *L, int index) {
  buffer_pin(buffer_check(L, index));
  return GILUA_OK;
}

static void native_buffer_unpin(lua_State *L, int index) { buffer_unpin(buffer_check(L, index)); }

/* Calls f(pool, …) for the function at base and what is above it; pool 0 is nil, a pseudo-index is below every base. */
static int call_offload(lua_State *L, lua_CFunction f, int base, int pool, int nresults) {
  if (pool != 0) pool = lua_absindex(L, pool);
  if (!lua_checkstack(L, 2)) {
    lua_settop(L, base - 1);
    lua_pushliteral(L, "stack overflow");
    return GILUA_ELUA;
  }
  lua_pushcfunction(L, f);
  lua_insert(L, base);
  if (pool != 0) lua_pushvalue(L, pool < base ? pool : pool + 1);
  else lua_pushnil(L);
  lua_insert(L, base + 1);
  return lua_pcall(L, lua_gettop(L) - base, nresults, 0) == LUA_OK ? GILUA_OK : GILUA_ELUA;
}

static int native_offload(lua_State *L, int nargs, int nresults) {
  return call_offload(L, offload_call, lua_gettop(L) - nargs, 0, nresults);
}

static int native_submit(lua_State *L, int pool, int nargs) {
  return call_offload(L, offload_submit, lua_gettop(L) - nargs, pool, 1);
}

static int native_result(lua_State *L, int nresults, int64_t deadline_ns) {
  int future = lua_gettop(L);
  if (!lua_checkstack(L, 4)) return GILUA_ENOMEM;
  lua_pushcfunction(L, offload_result);
  lua_pushvalue(L, future);
  lua_pushinteger(L, deadline_ns);
  if (lua_pcall(L, 2, nresults == LUA_MULTRET ? LUA_MULTRET : nresults + 1, 0) != LUA_OK) {
    lua_replace(L, future);
    return GILUA_ELUA;
  }
  if (!lua_toboolean(L, future + 1)) {
    lua_settop(L, future);
    return GILUA_ETIMEOUT;
  }
  lua_rotate(L, future, -2); /* what says that it is done, and the future */
  lua_pop(L, 2);
  return GILUA_OK;
}

void native_offer(lua_State *L) {
  static const gilua_Native table = {
      .abi = GILUA_ABI,
      .size = sizeof table,
      .module = native_module,
      .blocking_begin = native_blocking_begin,
      .blocking_end = native_blocking_end,
      .blocking_call = native_blocking_call,
      .wait_fd = native_wait_fd,
      .check = native_check,
      .buffer_check = native_buffer_check,
      .buffer_pin = native_buffer_pin,
      .buffer_unpin = native_buffer_unpin,
      .offload = native_offload,
      .submit = native_submit,
      .result = native_result,
  };
  lua_pushlightuserdata(L, (void *)&table);
  lua_setfield(L, LUA_REGISTRYINDEX, GILUA_NATIVE_KEY);
}

void native_withdraw(lua_State *L) {
  lua_pushnil(L);
  lua_setfield(L, LUA_REGISTRYINDEX, GILUA_NATIVE_KEY);
}
