/* Closing every executor. */
#include "pool/futures/end.h"

#include "pool/futures/service.h"
#include "runtime/state/error.h"

/* Pushes a list of every executor. One that was found dead is finalized first: it must not be missed. */
static void push_all(lua_State *L, ExecutorRegistry *r) {
  lua_newtable(L);
  lua_Integer n = 0;
  for (Executor *e = r->executors; e != NULL; e = e->next) {
    if (executor_push(L, e)) lua_rawseti(L, -2, ++n);
  }
}

/* () */
static int close_all(lua_State *L) {
  ExecutorRegistry *r = registry_of(L);
  r->ending = true;
  if (r->executors == NULL) return 0;
  lua_gc(L, LUA_GCCOLLECT);
  push_all(L, r);
  int list = lua_gettop(L);
  for (lua_Integer k = 1; lua_rawgeti(L, list, k) != LUA_TNIL; k++) {
    ((Executor *)lua_touserdata(L, -1))->finalizing = true;
    executor_close(L, -1, false);
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  for (lua_Integer k = 1; lua_rawgeti(L, list, k) != LUA_TNIL; k++) {
    executor_join(L, -1, CLOCK_NEVER);
    lua_pop(L, 1);
  }
  return 0;
}

/* RuntimeExit.run */
static bool at_exit(lua_State *L, RuntimeExit *self, bool joined) {
  (void)self;
  if (joined) return true;
  lua_pushcfunction(L, close_all);
  if (lua_pcall(L, 0, 0, 0) == LUA_OK) return true;
  bool interrupted = error_is(L, -1, ERROR_INTERRUPTED);
  lua_pop(L, 1);
  return !interrupted;
}

/* RuntimeExit.detach */
static void detach(lua_State *L, RuntimeExit *self, bool last) {
  ExecutorRegistry *r = (ExecutorRegistry *)self; /* its first member */
  while (!last && r->executors != NULL) executor_release(L, r, r->executors);
}

void executors_disown(lua_State *L) {
  ExecutorRegistry *r = registry_of(L);
  if (r == NULL) return;
  while (r->executors != NULL) registry_remove(r, r->executors);
  r->ending = false;
  service_disown(L);
}

ExecutorRegistry *end_open(lua_State *L) {
  service_open(L); /* first: its end comes after that of the executors */
  return registry_open(L, at_exit, detach);
}
