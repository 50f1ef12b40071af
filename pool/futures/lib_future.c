/* The methods of a Future:
 *
 *   f:result([timeout]) -> values        raises what the task raised, `cancelled`, or `timeout`
 *   f:exception([timeout]) -> error or nil        f:wait([timeout]) -> boolean
 *   f:done()  f:running()  f:cancelled()        f:cancel() -> boolean
 *   f:add_done_callback(f)
 *
 * and of one made by futures.Future(), which whoever made it decides:
 *
 *   f:set_running() -> boolean        f:set_result(...)        f:set_exception(error [, traceback])
 */
#include "pool/futures/future.h"

#include "pool/futures/service.h"
#include "runtime/state/error.h"

static Future *check(lua_State *L) { return future_check(L, 1); }

/* Waits with the timeout at index 2; false if time ran out. */
static bool await(lua_State *L) {
  bool poll;
  int64_t deadline = park_timeout(L, 2, &poll);
  if (future_poll(L, 1)) return true;
  if (poll) return false;
  Tstate *ts = park_self(L);
  return park_check(L, ts, future_wait(L, ts, 1, deadline));
}

static void await_or_raise(lua_State *L) {
  if (await(L)) return;
  error_raise(L, ERROR_TIMEOUT, "the task is not done after %f seconds", lua_tonumber(L, 2));
}

static int future_result(lua_State *L) {
  const Future *f = check(L);
  if (!future_decided(f) || lua_gettop(L) > 1) await_or_raise(L);
  return future_push_result(L, 1);
}

static int future_exception(lua_State *L) {
  const Future *f = check(L);
  await_or_raise(L);
  if (f->state == FUTURE_CANCELLED) return future_push_result(L, 1);
  future_push_error(L, 1);
  return 1;
}

static int future_wait_method(lua_State *L) {
  check(L);
  lua_pushboolean(L, await(L));
  return 1;
}

static int future_done(lua_State *L) {
  check(L);
  lua_pushboolean(L, future_poll(L, 1));
  return 1;
}

static int future_running(lua_State *L) {
  Future *f = check(L);
  bool running = !future_poll(L, 1) &&
                 (f->state == FUTURE_RUNNING || f->state == FUTURE_SETTLING || (f->source != NULL && f->source->running(f)));
  lua_pushboolean(L, running);
  return 1;
}

static int future_cancelled(lua_State *L) {
  const Future *f = check(L);
  future_poll(L, 1);
  lua_pushboolean(L, f->state == FUTURE_CANCELLED);
  return 1;
}

static int future_cancel_method(lua_State *L) {
  check(L);
  lua_pushboolean(L, future_cancel(L, 1));
  return 1;
}

static int future_add_done_callback(lua_State *L) {
  check(L);
  object_check_callable(L, 2);
  lua_settop(L, 2);
  service_add_callback(L, 1);
  return 0;
}

/* A future that Lua code may decide. */
static Future *check_own(lua_State *L) {
  Future *f = check(L);
  if (f->source != NULL || f->workers != NULL || f->task != (void *)&future_type)
    error_raise_state(L, future_state_name(f), "only a future made by futures.Future() can be decided by hand");
  return f;
}

static int future_set_running_method(lua_State *L) {
  Future *f = check_own(L);
  if (f->state != FUTURE_CANCELLED && !future_may(f->state, FUTURE_RUNNING))
    error_raise_state(L, future_state_name(f), "a future that is %s cannot begin", future_state_name(f));
  lua_pushboolean(L, future_set_running(f));
  return 1;
}

static int future_set_result(lua_State *L) {
  check_own(L);
  future_set_values(L, 1, lua_gettop(L) - 1);
  return 0;
}

static int future_set_exception(lua_State *L) {
  check_own(L);
  luaL_checkany(L, 2);
  lua_settop(L, 3);
  if (!lua_isnil(L, 3)) luaL_checkstring(L, 3);
  future_set_error(L, 1);
  return 0;
}

static const luaL_Reg future_methods[] = {
    {"add_done_callback", future_add_done_callback},
    {"cancel", future_cancel_method},
    {"cancelled", future_cancelled},
    {"done", future_done},
    {"exception", future_exception},
    {"result", future_result},
    {"running", future_running},
    {"set_exception", future_set_exception},
    {"set_result", future_set_result},
    {"set_running", future_set_running_method},
    {"wait", future_wait_method},
    {NULL, NULL},
};

/* "Future(done): 0x…" */
static int future_tostring(lua_State *L) {
  Future *f = check(L);
  bool running = !future_decided(f) && f->source != NULL && f->source->running(f);
  lua_pushfstring(L, "Future(%s): %p", running ? "running" : future_state_name(f), (void *)f);
  return 1;
}

static const luaL_Reg future_meta[] = {{"__tostring", future_tostring}, {NULL, NULL}};

const ObjectType future_type = {
    .name = "gilua.Future", .size = sizeof(Future), .methods = future_methods, .meta = future_meta};
