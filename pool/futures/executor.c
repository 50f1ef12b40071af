/* The life of executors, whatever runs their tasks. */
#include "pool/futures/executor.h"

#include <assert.h>

#include "pool/futures/chunk.h"
#include "pool/futures/service.h"
#include "runtime/thread/error.h"

Executor *executor_new(lua_State *L, const ObjectType *type, const Backend *backend, int max_workers, int nvalues) {
  FutureService *s = service_alive(L);
  if (s->ending || s->at_exit.rt->phase >= PHASE_CANCELLING) error_raise(L, ERROR_FINALIZING, "cannot make a pool while the program ends");
  bool progress = false;
  if (lua_istable(L, 1)) {
    lua_getfield(L, 1, "show_progress");
    progress = lua_toboolean(L, -1);
    lua_pop(L, 1);
  }
  luaL_checkstack(L, 6, NULL);
  service_push(L);
  lua_getiuservalue(L, -1, SERVICE_EXECUTORS);
  lua_replace(L, -2);
  Executor *e = lua_newuserdatauv(L, type->size, EXECUTOR_OWN - 1 + nvalues);
  lua_pushvalue(L, -1);
  lua_rawsetp(L, -3, e);
  lua_remove(L, -2);
  for (char *p = (char *)e, *end = p + type->size; p < end; p++) *p = 0;
  e->head.type = type;
  e->backend = backend;
  e->rt = s->at_exit.rt;
  e->max_workers = max_workers;
  e->show_progress = progress;
  luaL_setmetatable(L, type->name);
  e->next = s->executors;
  if (e->next != NULL) e->next->prev = e;
  s->executors = e;
  return e;
}

bool executor_push(lua_State *L, const Executor *e) {
  luaL_checkstack(L, 4, NULL);
  service_push(L);
  lua_getiuservalue(L, -1, SERVICE_EXECUTORS);
  lua_rawgetp(L, -1, e);
  lua_replace(L, -3);
  lua_pop(L, 1);
  if (!lua_isnil(L, -1)) return true;
  lua_pop(L, 1);
  return false;
}

Executor *executor_test(lua_State *L, int i) {
  Executor *e = lua_touserdata(L, i);
  if (e == NULL || lua_rawlen(L, i) < sizeof *e || e->head.type->methods != executor_methods) return NULL;
  return e;
}

Executor *executor_check(lua_State *L, int i) {
  Executor *e = executor_test(L, i);
  if (e == NULL) luaL_typeerror(L, i, "Executor");
  return e;
}

static void push_field(lua_State *L, const char *name) {
  if (lua_istable(L, 1)) lua_getfield(L, 1, name);
  else lua_pushnil(L);
}

int executor_option_workers(lua_State *L, const char *what, const char *name, int standard, int most) {
  push_field(L, name);
  int is_integer = 1;
  lua_Integer n = lua_isnil(L, -1) ? standard : lua_tointegerx(L, -1, &is_integer);
  if (!is_integer) luaL_error(L, "bad field '%s' to '%s' (integer expected, got %s)", name, what, luaL_tolstring(L, -1, NULL));
  if (n < 1 || n > most) luaL_error(L, "bad field '%s' to '%s' (must be from 1 to %d, got %I)", name, what, most, n);
  lua_pop(L, 1);
  return (int)n;
}

enum { MOST_ARGS = 50000 };

int executor_option_call(lua_State *L, const char *what) {
  luaL_checkstack(L, 8, NULL);
  push_field(L, "initializer");
  push_field(L, "initargs");
  int f = lua_gettop(L) - 1, args = f + 1, n = 0;
  if (!lua_isnil(L, f) && !lua_isfunction(L, f) && luaL_getmetafield(L, f, "__call") == LUA_TNIL)
    luaL_error(L, "bad field 'initializer' to '%s' (function expected, got %s)", what, luaL_typename(L, f));
  if (!lua_isnil(L, args) && !lua_istable(L, args))
    luaL_error(L, "bad field 'initargs' to '%s' (table expected, got %s)", what, luaL_typename(L, args));
  lua_settop(L, args);
  if (!lua_isnil(L, f)) {
    if (lua_istable(L, args)) {
      lua_getfield(L, args, "n");
      lua_Integer given = lua_isinteger(L, -1) ? lua_tointeger(L, -1) : (lua_Integer)lua_rawlen(L, args);
      lua_pop(L, 1);
      if (given < 0 || given > MOST_ARGS) luaL_error(L, "bad field 'initargs' to '%s' (too many)", what);
      n = (int)given;
    }
    lua_createtable(L, n + 1, 0);
    lua_pushvalue(L, f);
    lua_rawseti(L, -2, 1);
    for (int k = 1; k <= n; k++) {
      lua_geti(L, args, k);
      lua_rawseti(L, -2, k + 1);
    }
    lua_replace(L, f);
  }
  lua_settop(L, f);
  return n;
}

void executor_push_broken(lua_State *L, int cause) {
  cause = lua_absindex(L, cause);
  luaL_checkstack(L, 4, NULL);
  error_push(L, ERROR_BROKEN_POOL, "the pool cannot work any more: %s", luaL_tolstring(L, cause, NULL));
  lua_remove(L, -2);
  lua_pushvalue(L, cause);
  lua_setfield(L, -2, "cause");
}

void executor_break(lua_State *L, int i) {
  Executor *e = lua_touserdata(L, i);
  i = lua_absindex(L, i);
  if (e->state == EXECUTOR_OPEN) {
    e->state = EXECUTOR_BROKEN;
    lua_setiuservalue(L, i, EXECUTOR_CAUSE);
  } else {
    lua_pop(L, 1);
  }
}

/* Raises unless the executor at i takes tasks. */
static void refuse(lua_State *L, const Executor *e, int i) {
  if (e->finalizing) error_raise(L, ERROR_FINALIZING, "cannot submit a task while the program ends");
  if (e->state == EXECUTOR_BROKEN) {
    lua_getiuservalue(L, i, EXECUTOR_CAUSE);
    executor_push_broken(L, -1);
  } else {
    error_raise_state(L, "closed", "cannot submit a task to a pool that was shut down");
  }
  lua_error(L);
}

void executor_check_open(lua_State *L, int i) {
  const Executor *e = lua_touserdata(L, i);
  if (e->state != EXECUTOR_OPEN) refuse(L, e, lua_absindex(L, i));
}

void executor_submit(lua_State *L, int i, int nargs) {
  Executor *e = lua_touserdata(L, i);
  if (e->state != EXECUTOR_OPEN) refuse(L, e, i);
  e->backend->submit(L, e, i, nargs);
}

void executor_submit_chunk(lua_State *L, int i, const Chunk *chunk) {
  Executor *e = lua_touserdata(L, i);
  i = lua_absindex(L, i);
  if (e->state != EXECUTOR_OPEN) refuse(L, e, i);
  if (e->backend->submit_chunk != NULL) {
    e->backend->submit_chunk(L, e, i, chunk);
    return;
  }
  luaL_checkstack(L, 6, NULL);
  lua_pushcfunction(L, chunk_run);
  lua_insert(L, -3);
  lua_pushinteger(L, chunk->count);
  lua_pushinteger(L, chunk->arity);
  lua_pushboolean(L, chunk->spread);
  e->backend->submit(L, e, i, 5);
}

void executor_close(lua_State *L, int i, bool cancel) {
  Executor *e = lua_touserdata(L, i);
  e->state = EXECUTOR_CLOSED;
  if (e->rt != NULL) e->backend->close(L, e, lua_absindex(L, i), cancel);
}

bool executor_join(lua_State *L, int i, int64_t deadline) {
  Executor *e = lua_touserdata(L, i);
  Tstate *ts = park_self(L);
  return e->rt == NULL || park_check(L, ts, e->backend->join(L, ts, e, lua_absindex(L, i), deadline));
}

void executor_terminate(lua_State *L, int i) {
  Executor *e = lua_touserdata(L, i);
  e->state = EXECUTOR_CLOSED;
  if (e->rt != NULL) e->backend->terminate(L, e, lua_absindex(L, i));
}

/* Nothing of e refers to its runtime any more. */
static void release(FutureService *s, Executor *e) {
  if (e->state != EXECUTOR_CLOSED) {
    e->state = EXECUTOR_CLOSED;
    e->backend->collected(e);
  }
  if (e->backend->count != NULL && s != NULL) {
    PoolCounters c = {0};
    e->backend->count(e, &c);
    if (c.kind != NULL && c.submitted == c.finished) counters_keep(&s->ended_pools, &c);
  }
  if (e->backend->free != NULL) e->backend->free(e);
  e->rt = NULL;
}

int executor_collect(lua_State *L) {
  Executor *e = executor_check(L, 1);
  FutureService *s = service_of(L);
  if (e->rt == NULL) return 0;
  release(s, e);
  if (e->next != NULL) e->next->prev = e->prev;
  if (e->prev != NULL) e->prev->next = e->next;
  else if (s != NULL && s->executors == e) s->executors = e->next;
  return 0;
}

void executors_disown(lua_State *L) {
  FutureService *s = service_of(L);
  if (s == NULL) return;
  while (s->executors != NULL) {
    Executor *e = s->executors;
    s->executors = e->next;
    e->next = e->prev = NULL;
  }
  s->ending = s->busy = false;
  s->watched = 0;
}

void executors_detach(lua_State *L, RuntimeExit *self, bool last) {
  FutureService *s = service_of(L);
  (void)self;
  if (last) service_detach(s);
  while (!last && s->executors != NULL) {
    Executor *e = s->executors;
    s->executors = e->next;
    release(s, e);
  }
}

/* Pushes a list of every executor. One that was found dead is finalized first: it must not be missed. */
static void push_all(lua_State *L, FutureService *s) {
  lua_newtable(L);
  lua_Integer n = 0;
  for (Executor *e = s->executors; e != NULL; e = e->next) {
    if (executor_push(L, e)) lua_rawseti(L, -2, ++n);
  }
}

static void close_all(lua_State *L) {
  FutureService *s = service_of(L);
  s->ending = true;
  if (s->executors == NULL) return;
  lua_gc(L, LUA_GCCOLLECT);
  push_all(L, s);
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
}

/* (joined) */
static int finish(lua_State *L) {
  if (!lua_toboolean(L, 1)) close_all(L);
  Tstate *ts = park_self(L);
  park_check(L, ts, service_drain(L, ts));
  return 0;
}

bool executors_at_exit(lua_State *L, RuntimeExit *self, bool joined) {
  (void)self;
  lua_pushcfunction(L, finish);
  lua_pushboolean(L, joined);
  if (lua_pcall(L, 1, 0, 0) == LUA_OK) return true;
  bool interrupted = error_is(L, -1, ERROR_INTERRUPTED);
  lua_pop(L, 1);
  return !interrupted;
}
