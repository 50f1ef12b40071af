/* Closing every executor. */
#include "pool/futures/end.h"

#include "pool/futures/service.h"
#include "runtime/state/error.h"

/* No task comes any more, so idle workers end: before anything that needs memory, or the end would wait for them for ever where
 * there is none. To close without a cancel raises nothing, and asks for no index. */
static void close_each(lua_State *L, ExecutorRegistry *r) {
  r->ending = true;
  for (Executor *e = r->executors; e != NULL; e = e->next) {
    e->finalizing = true;
    e->state = EXECUTOR_CLOSED;
    e->marked = false;
    if (e->rt != NULL) e->backend->close(L, e, 0, false);
  }
}

/* One that is released meanwhile is let go of by its back end, and waited for there. */
static Executor *not_joined(const ExecutorRegistry *r) {
  Executor *e = r->executors;
  while (e != NULL && e->marked) e = e->next;
  return e;
}

/* () */
static int join_all(lua_State *L) {
  ExecutorRegistry *r = registry_of(L);
  for (Executor *e; (e = not_joined(r)) != NULL; lua_pop(L, 1)) {
    executor_push_itself(L, e);
    executor_join(L, e, CLOCK_NEVER);
    e->marked = true;
  }
  return 0;
}

/* RuntimeExit.run */
static bool at_exit(lua_State *L, RuntimeExit *self, bool joined) {
  if (joined) return true;
  close_each(L, (ExecutorRegistry *)self); /* its first member */
  lua_pushcfunction(L, join_all);
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
  while (r->executors != NULL) registry_remove(L, r, r->executors);
  r->ending = false;
  service_disown(L);
}

ExecutorRegistry *end_open(lua_State *L) {
  service_open(L); /* first: its end comes after that of the executors */
  return registry_open(L, at_exit, detach);
}
