/* r:get([timeout])  r:wait([timeout]) -> boolean  r:ready() -> boolean  r:successful() -> boolean */
#include "pool/multiprocessing/async_result.h"

#include "pool/futures/chunk.h"
#include "pool/futures/service.h"
#include "runtime/state/error.h"

/* User value 1: the list of the futures. */
typedef struct AsyncResult {
  ObjectHead head;
  bool is_list;      /* [i] */
  lua_Integer count; /* [i] futures */
  lua_Integer left;  /* [G] of these, callbacks that have not come */
} AsyncResult;

static const ObjectType async_result_type;

void async_result_new(lua_State *L, bool is_list) {
  lua_Integer count = (lua_Integer)lua_rawlen(L, -1);
  AsyncResult *r = object_new(L, &async_result_type, 1);
  r->is_list = is_list;
  r->count = r->left = count;
  lua_insert(L, -2);
  lua_setiuservalue(L, -2, 1);
}

/* Waits for every future of the AsyncResult at i; false if time ran out. */
static bool await_all(lua_State *L, int i, bool poll, int64_t deadline) {
  const AsyncResult *r = lua_touserdata(L, i);
  int top = lua_gettop(L);
  luaL_checkstack(L, 4, NULL);
  lua_getiuservalue(L, i, 1);
  bool done = true;
  for (lua_Integer k = 1; k <= r->count && done; k++) {
    lua_rawgeti(L, top + 1, k);
    done = future_poll(L, -1);
    if (!done && !poll) {
      Tstate *ts = park_self(L);
      done = park_check(L, ts, future_wait(L, ts, lua_gettop(L), deadline));
    }
    lua_pop(L, 1);
  }
  lua_settop(L, top);
  return done;
}

/* Raises the first of the errors of n calls, a list with holes on top of the stack. */
static void raise_first(lua_State *L, lua_Integer n) {
  for (lua_Integer k = 1; lua_rawgeti(L, -1, k) == LUA_TNIL && k < n; k++) lua_pop(L, 1);
  lua_rawgeti(L, -1, 1);
  lua_rawgeti(L, -2, 2);
  error_remember_traceback(L, -2);
  lua_error(L);
}

/* Appends what the chunk in the future on top of the stack gave to the list at index `list`; n is its length. */
static lua_Integer append(lua_State *L, int list, lua_Integer n) {
  int future = lua_gettop(L);
  future_push_result(L, future);
  lua_settop(L, future + CHUNK_VALUES); /* results, n, ns, errors */
  if (!lua_isnil(L, -1)) raise_first(L, lua_tointeger(L, future + 2));
  lua_Integer count = lua_tointeger(L, future + 2);
  for (lua_Integer k = 1; k <= count; k++) {
    lua_rawgeti(L, future + 1, k);
    lua_rawseti(L, list, n + k);
  }
  return n + count;
}

/* All is decided. */
static int push_outcome(lua_State *L, int i) {
  const AsyncResult *r = lua_touserdata(L, i);
  luaL_checkstack(L, 16, NULL);
  lua_getiuservalue(L, i, 1);
  int futures = lua_gettop(L);
  if (!r->is_list) {
    lua_rawgeti(L, futures, 1);
    return future_push_result(L, -1);
  }
  lua_newtable(L);
  lua_Integer n = 0;
  for (lua_Integer k = 1; k <= r->count; k++) {
    lua_rawgeti(L, futures, k);
    n = append(L, futures + 1, n);
    lua_settop(L, futures + 1);
  }
  return 1;
}

int async_result_get(lua_State *L, int i) {
  i = lua_absindex(L, i);
  await_all(L, i, false, CLOCK_NEVER);
  return push_outcome(L, i);
}

static int outcome_protected(lua_State *L) { return push_outcome(L, 1); }

/* A future is decided; upvalues: the AsyncResult, the two functions. The last one calls. */
static int on_decided(lua_State *L) {
  AsyncResult *r = lua_touserdata(L, lua_upvalueindex(1));
  if (--r->left > 0) return 0;
  lua_settop(L, 0);
  lua_pushcfunction(L, outcome_protected);
  lua_pushvalue(L, lua_upvalueindex(1));
  bool ok = lua_pcall(L, 1, LUA_MULTRET, 0) == LUA_OK;
  int function = lua_upvalueindex(ok ? 2 : 3);
  if (lua_isnil(L, function)) return 0;
  luaL_checkstack(L, 2, NULL);
  lua_pushvalue(L, function);
  lua_insert(L, 1);
  lua_call(L, lua_gettop(L) - 1, 0);
  return 0;
}

void async_result_call_back(lua_State *L, int i, int ok, int bad) {
  AsyncResult *r = lua_touserdata(L, i);
  if (lua_isnil(L, ok) && lua_isnil(L, bad)) return;
  i = lua_absindex(L, i);
  lua_pushvalue(L, i);
  lua_pushvalue(L, ok);
  lua_pushvalue(L, bad);
  lua_pushcclosure(L, on_decided, 3);
  int closure = lua_gettop(L);
  if (r->count == 0) {
    r->left = 1;
    lua_call(L, 0, 0);
    return;
  }
  lua_getiuservalue(L, i, 1);
  for (lua_Integer k = 1; k <= r->count; k++) {
    lua_rawgeti(L, closure + 1, k);
    lua_pushvalue(L, closure);
    service_add_callback(L, -2);
    lua_pop(L, 1);
  }
  lua_settop(L, closure - 1);
}

static AsyncResult *check(lua_State *L) { return object_check(L, 1, &async_result_type); }

static bool await(lua_State *L) {
  bool poll;
  int64_t deadline = park_timeout(L, 2, &poll);
  return await_all(L, 1, poll, deadline);
}

static int result_get(lua_State *L) {
  check(L);
  if (await(L)) return push_outcome(L, 1);
  return error_raise(L, ERROR_TIMEOUT, "the result is not there after %f seconds", lua_tonumber(L, 2));
}

static int result_wait(lua_State *L) {
  check(L);
  lua_pushboolean(L, await(L));
  return 1;
}

static int result_ready(lua_State *L) {
  check(L);
  lua_pushboolean(L, await_all(L, 1, true, 0));
  return 1;
}

static int result_successful(lua_State *L) {
  check(L);
  if (!await_all(L, 1, true, 0)) return error_raise_state(L, "pending", "the result is not ready");
  lua_settop(L, 1);
  lua_pushcfunction(L, outcome_protected);
  lua_insert(L, 1);
  lua_pushboolean(L, lua_pcall(L, 1, 0, 0) == LUA_OK);
  return 1;
}

/* "pending": some are not there; else "ready". */
static void describe(lua_State *L, void *object) {
  const AsyncResult *r = object;
  bool ready = true;
  lua_getiuservalue(L, 1, 1);
  for (lua_Integer k = 1; k <= r->count && ready; k++) {
    lua_rawgeti(L, 2, k);
    Future *f = lua_touserdata(L, -1);
    ready = future_decided(f) || (f->source != NULL && f->source->ready(f));
    lua_pop(L, 1);
  }
  lua_pushstring(L, ready ? "ready" : "pending");
}

static const luaL_Reg result_methods[] = {
    {"get", result_get}, {"ready", result_ready}, {"successful", result_successful}, {"wait", result_wait}, {NULL, NULL}};

static const ObjectType async_result_type = {
    .name = "gilua.AsyncResult", .size = sizeof(AsyncResult), .methods = result_methods, .describe = describe};
