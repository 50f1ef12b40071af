/* The field `pools` of gil.stats():
 *
 *   {{name, kind = "threads"|"processes"|"gearman", max_workers, submitted, finished, queued, most_queued, busy_ns,
 *     workers = {{name or pid, tasks, busy_ns}, …}, ended = true of one that was collected}, …}    oldest first
 */
#include "pool/futures/lib_counters.h"

#include "pool/futures/registry.h"
#include "runtime/sync/lib_sync.h"

void counters_sum(lua_State *L, PoolCounters *sum) {
  const ExecutorRegistry *s = registry_of(L);
  *sum = (PoolCounters){0};
  if (s == NULL) return;
  counters_add(sum, &s->ended_pools.all);
  for (Executor *e = s->executors; e != NULL; e = e->next) {
    PoolCounters c = {0};
    if (e->backend->count != NULL) e->backend->count(e, &c);
    counters_add(sum, &c);
  }
}

static void set_integer(lua_State *L, const char *name, uint64_t value) {
  lua_pushinteger(L, (lua_Integer)value);
  lua_setfield(L, -2, name);
}

static void push_counters(lua_State *L, const PoolCounters *c) {
  lua_createtable(L, 0, 10);
  lua_pushstring(L, c->name);
  lua_setfield(L, -2, "name");
  lua_pushstring(L, c->kind);
  lua_setfield(L, -2, "kind");
  set_integer(L, "max_workers", (uint64_t)c->max_workers);
  set_integer(L, "submitted", c->submitted);
  set_integer(L, "finished", c->finished);
  set_integer(L, "queued", c->queued);
  set_integer(L, "most_queued", c->most_queued);
  set_integer(L, "busy_ns", (uint64_t)c->busy_ns);
}

static void add_ended(lua_State *L, const EndedPools *ended) {
  for (uint64_t i = ended->n > POOLS_KEPT ? ended->n - POOLS_KEPT : 0; i < ended->n; i++) {
    push_counters(L, &ended->at[i % POOLS_KEPT]);
    lua_pushboolean(L, true);
    lua_setfield(L, -2, "ended");
    lua_newtable(L);
    lua_setfield(L, -2, "workers");
    lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
  }
}

/* Adds the counters of the Executor on top of the stack, popped, to the list at index 1. */
static void add_executor(lua_State *L) {
  Executor *e = lua_touserdata(L, -1);
  PoolCounters c = {0};
  int i = lua_gettop(L);
  e->backend->count(e, &c);
  if (c.kind != NULL) { /* else it is another process's, or was never finished */
    push_counters(L, &c);
    e->backend->push_workers(L, e);
    lua_setfield(L, -2, "workers");
    lua_rawseti(L, 1, (lua_Integer)lua_rawlen(L, 1) + 1);
  }
  lua_settop(L, i - 1);
}

/* () -> the list. A collection may take executors off theirs, so it is copied first. */
static int pools(lua_State *L) {
  ExecutorRegistry *s = registry_of(L);
  luaL_checkstack(L, 12, NULL);
  lua_newtable(L);
  add_ended(L, &s->ended_pools);
  lua_newtable(L);
  lua_Integer n = 0;
  for (Executor *e = s->executors; e != NULL; e = e->next) {
    if (e->backend->count == NULL) continue;
    executor_push_itself(L, e);
    lua_rawseti(L, -2, ++n);
  }
  for (; n > 0; n--) { /* the newest stands first */
    lua_rawgeti(L, 2, n);
    add_executor(L);
  }
  lua_settop(L, 1);
  return 1;
}

void counters_register(lua_State *L) {
  lua_pushcfunction(L, pools);
  lua_setfield(L, LUA_REGISTRYINDEX, LIB_GIL_POOLS);
}
