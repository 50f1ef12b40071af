/* The life of executors, whatever runs their tasks. */
#include "pool/futures/backend.h"

#include <string.h>

#include "pool/futures/chunk.h"
#include "pool/futures/registry.h"
#include "runtime/state/error.h"
#include "runtime/state/options.h"
#include "runtime/thread/sentinel.h"

enum { FEW = 16 };

/* Those whose finalizer Lua has dropped: where there are many, when they have doubled. */
static void release_lost(lua_State *L, ExecutorRegistry *r) {
  if (r->count >= FEW && r->count < r->look_at) return;
  for (Executor *e; (e = registry_lost(L, r)) != NULL;) executor_release(L, r, e);
  r->look_at = 2 * r->count;
}

Executor *executor_new(lua_State *L, ExecutorRegistry *r, const ObjectType *type, const Backend *backend, int max_workers,
                       int nvalues) {
  if (r->ending || r->at_exit.rt->phase >= PHASE_CANCELLING)
    error_raise(L, ERROR_FINALIZING, "cannot make a pool while the program ends");
  release_lost(L, r);
  luaL_checkstack(L, 6, NULL);
  bool progress = options_flag(L, 1, "show_progress", false);
  ExecutorObject *object = lua_newuserdatauv(L, sizeof *object, EXECUTOR_OWN - 1 + nvalues);
  Executor *e = lua_newuserdatauv(L, backend->size, 1);
  memset(e, 0, backend->size);
  e->backend = backend;
  e->rt = r->at_exit.rt;
  e->max_workers = max_workers;
  e->show_progress = progress;
  *object = (ExecutorObject){.head.type = type, .executor = e};
  lua_setiuservalue(L, -2, EXECUTOR_ITSELF);
  object_push_metatable(L, type);
  lua_pushboolean(L, true);
  lua_rawsetp(L, -2, executor_methods);
  lua_setmetatable(L, -2);
  registry_add(L, r, e);
  return e;
}

/* Of any type: the metatables are marked, as the first bytes of somebody else's userdata lead anywhere. */
Executor *executor_test(lua_State *L, int i) {
  const ExecutorObject *object = lua_touserdata(L, i);
  if (object == NULL || lua_rawlen(L, i) < sizeof *object || !lua_getmetatable(L, i)) return NULL;
  if (lua_rawgetp(L, -1, executor_methods) == LUA_TNIL) object = NULL;
  lua_pop(L, 2);
  return object != NULL ? object->executor : NULL;
}

Executor *executor_check(lua_State *L, int i) {
  Executor *e = executor_test(L, i);
  if (e == NULL) luaL_typeerror(L, i, "Executor");
  return e;
}

void executor_check_function(lua_State *L, const Executor *e, int f) {
  if (!e->backend->names || lua_type(L, f) != LUA_TSTRING) object_check_callable(L, f);
}

enum { MOST_ARGS = 50000 };

int executor_option_call(lua_State *L, const char *what) {
  luaL_checkstack(L, 8, NULL);
  int f = lua_gettop(L) + 1, args = f + 1, n = 0;
  lua_getfield(L, 1, "initializer");
  if (lua_getfield(L, 1, "initargs") != LUA_TNIL) {
    n = options_count(L, args, lua_pushfstring(L, "field 'initargs' to '%s'", what), MOST_ARGS);
    lua_settop(L, args);
  }
  if (lua_isnil(L, f)) {
    lua_settop(L, f);
    return 0;
  }
  lua_createtable(L, n + 1, 0);
  lua_pushvalue(L, f);
  lua_rawseti(L, -2, 1);
  for (int k = 1; k <= n; k++) {
    lua_geti(L, args, k);
    lua_rawseti(L, -2, k + 1);
  }
  lua_replace(L, f);
  lua_settop(L, f);
  return n;
}

void executor_push_why(lua_State *L) {
  luaL_checkstack(L, 2, NULL);
  lua_createtable(L, 2, 0);
  lua_insert(L, -3);
  lua_rawseti(L, -3, 2);
  lua_rawseti(L, -2, 1);
}

void executor_push_broken(lua_State *L, int why) {
  why = lua_absindex(L, why);
  luaL_checkstack(L, 6, NULL);
  lua_rawgeti(L, why, 1);
  int cause = lua_gettop(L);
  error_push(L, ERROR_BROKEN_POOL, "the pool cannot work any more: %s", error_push_text(L, cause));
  lua_pushvalue(L, cause);
  lua_setfield(L, -2, "cause");
  lua_rawgeti(L, why, 2);
  lua_setfield(L, -2, "traceback");
  lua_replace(L, cause);
  lua_settop(L, cause);
}

int executor_raise_broken(lua_State *L, int why) {
  executor_push_broken(L, why);
  error_push_traceback(L, -1);
  error_remember_traceback(L, -2);
  return lua_error(L);
}

void executor_describe(lua_State *L, void *object) {
  static const char *const states[] = {"open", "broken", "shut down"};
  const Executor *e = ((const ExecutorObject *)object)->executor;
  lua_pushfstring(L, "%d worker%s, %s", e->max_workers, e->max_workers == 1 ? "" : "s", states[e->state]);
}

void executor_break(lua_State *L, int i) {
  Executor *e = executor_at(L, i);
  i = lua_absindex(L, i);
  if (e->state == EXECUTOR_OPEN) {
    e->state = EXECUTOR_BROKEN;
    lua_setiuservalue(L, i, EXECUTOR_WHY);
  } else {
    lua_pop(L, 1);
  }
}

/* Raises unless the executor at i takes tasks. */
static void refuse(lua_State *L, const Executor *e, int i) {
  if (e->finalizing) error_raise(L, ERROR_FINALIZING, "cannot submit a task while the program ends");
  if (e->state == EXECUTOR_BROKEN) {
    lua_getiuservalue(L, i, EXECUTOR_WHY);
    executor_raise_broken(L, -1);
  }
  error_raise_state(L, "closed", "cannot submit a task to a pool that was shut down");
}

void executor_check_open(lua_State *L, int i) {
  const Executor *e = executor_at(L, i);
  if (e->state != EXECUTOR_OPEN) refuse(L, e, lua_absindex(L, i));
}

static int renew_sentinel(lua_State *L) {
  sentinel_new(L);
  return 0;
}

/* What the task uses exists by now, and so does whoever waits for it: they outlive it in a state that somebody else closes. Where
 * there is no memory for that the task is submitted all the same. */
static void outlive(lua_State *L, const Executor *e) {
  if (e->rt == NULL || !e->rt->attached) return;
  luaL_checkstack(L, LUA_MINSTACK, NULL);
  lua_pushcfunction(L, renew_sentinel);
  if (lua_pcall(L, 0, 0, 0) != LUA_OK) lua_pop(L, 1);
}

void executor_submit(lua_State *L, int i, int nargs) {
  Executor *e = executor_at(L, i);
  if (e->state != EXECUTOR_OPEN) refuse(L, e, i);
  e->backend->submit(L, e, i, nargs);
  outlive(L, e);
}

void executor_submit_chunk(lua_State *L, int i, const Chunk *chunk) {
  Executor *e = executor_at(L, i);
  i = lua_absindex(L, i);
  if (e->state != EXECUTOR_OPEN) refuse(L, e, i);
  if (e->backend->submit_chunk != NULL) {
    e->backend->submit_chunk(L, e, i, chunk);
    outlive(L, e);
    return;
  }
  luaL_checkstack(L, 8, NULL);
  lua_pushcfunction(L, chunk_run);
  lua_insert(L, -3);
  lua_pushinteger(L, chunk->count);
  lua_pushinteger(L, chunk->arity);
  lua_pushboolean(L, chunk->spread);
  lua_pushboolean(L, chunk->goes_on);
  e->backend->submit(L, e, i, 6);
  outlive(L, e);
}

void executor_close(lua_State *L, int i, bool cancel) {
  Executor *e = executor_at(L, i);
  e->state = EXECUTOR_CLOSED;
  if (e->rt != NULL) e->backend->close(L, e, lua_absindex(L, i), cancel);
}

bool executor_join(lua_State *L, Executor *e, int64_t deadline) {
  Tstate *ts = park_self(L);
  return e->rt == NULL || park_check(L, ts, e->backend->join(L, ts, e, deadline));
}

void executor_terminate(lua_State *L, int i) {
  Executor *e = executor_at(L, i);
  e->state = EXECUTOR_CLOSED;
  if (e->rt != NULL) e->backend->terminate(L, e, lua_absindex(L, i));
}

void executor_release(lua_State *L, ExecutorRegistry *r, Executor *e) {
  if (r != NULL) registry_remove(L, r, e);
  if (e->rt == NULL) return;
  if (e->state != EXECUTOR_CLOSED) {
    e->state = EXECUTOR_CLOSED;
    e->backend->collected(e);
  }
  if (e->backend->count != NULL && r != NULL) {
    PoolCounters c = {0};
    e->backend->count(e, &c);
    if (c.kind != NULL && c.submitted == c.finished) counters_keep(&r->ended_pools, &c);
  }
  if (e->backend->free != NULL) e->backend->free(e);
  e->rt = NULL;
}

int executor_collect(lua_State *L) {
  executor_release(L, registry_of(L), executor_check(L, 1));
  return 0;
}
