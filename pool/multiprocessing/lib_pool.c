/* multiprocessing.Pool{processes, initializer, initargs, maxtasksperchild}: Python's Pool over an executor.
 *
 *   pool:apply(f, args) -> values            pool:apply_async(f, args, callback, error_callback) -> AsyncResult
 *   pool:map(f, list [, chunksize]) -> list  pool:map_async(f, list, chunksize, callback, error_callback) -> AsyncResult
 *   pool:starmap, pool:starmap_async         the same; each element is the list of arguments of one call
 *   pool:imap(f, list [, chunksize]) -> iterator       pool:imap_unordered
 *   pool:close()   pool:terminate()   pool:join()      <close>: terminate
 *   result:get([timeout]) -> values   result:wait([timeout]) -> boolean   result:ready()   result:successful()
 */
#include <limits.h>

#include "pool/futures/backend.h"
#include "pool/futures/map.h"
#include "pool/futures/source.h"
#include "pool/futures/split.h"
#include "pool/multiprocessing/async_result.h"
#include "pool/multiprocessing/lib_multiprocessing.h"
#include "pool/process/engine.h"
#include "runtime/state/error.h"
#include "runtime/state/options.h"
#include "runtime/state/require.h"

/* User value 1: the executor. */
typedef struct Pool {
  ObjectHead head;
  bool ended; /* [G] closed or terminated */
} Pool;

static const ObjectType pool_object_type;

enum { CHUNKS_PER_WORKER = 4, MOST_ARGS = 50000 };

/* Pushes the executor of the pool at 1. */
static Executor *push_executor(lua_State *L) {
  object_check(L, 1, &pool_object_type);
  lua_getiuservalue(L, 1, 1);
  return executor_at(L, -1);
}

/* --- apply --- */

/* Submits the function at 2 with the list of arguments at 3, or none; pushes the future. */
static void submit(lua_State *L) {
  object_check_callable(L, 2);
  if (!lua_isnoneornil(L, 3)) luaL_checktype(L, 3, LUA_TTABLE);
  lua_settop(L, 5);
  push_executor(L);
  int n = lua_istable(L, 3) ? options_count(L, 3, NULL, MOST_ARGS) : 0;
  luaL_checkstack(L, n + 4, "too many arguments");
  lua_pushvalue(L, 2);
  for (lua_Integer k = 1; k <= n; k++) lua_geti(L, 3, k);
  executor_submit(L, 6, n);
}

static int pool_apply(lua_State *L) {
  object_check_last(L, 3);
  submit(L);
  int future = lua_gettop(L);
  Tstate *ts = park_self(L);
  park_check(L, ts, future_wait(L, ts, future, CLOCK_NEVER));
  return future_push_result(L, future);
}

static void check_callbacks(lua_State *L, int ok) {
  for (int k = ok; k <= ok + 1; k++)
    if (!lua_isnoneornil(L, k)) object_check_callable(L, k);
}

static int pool_apply_async(lua_State *L) {
  object_check_last(L, 5);
  check_callbacks(L, 4);
  submit(L);
  lua_createtable(L, 1, 0);
  lua_insert(L, -2);
  lua_rawseti(L, -2, 1);
  async_result_new(L, false);
  async_result_call_back(L, lua_gettop(L), 4, 5);
  return 1;
}

/* --- map --- */

/* An iterator at index 3 is read to its end, into a list that takes its place; returns the length. */
static lua_Integer read_source(lua_State *L) {
  if (lua_istable(L, 3)) {
    lua_Integer length = luaL_len(L, 3);
    luaL_argcheck(L, length <= INT_MAX, 3, "the list is too long");
    return length;
  }
  lua_newtable(L);
  lua_Integer n = 0;
  for (;;) {
    lua_pushvalue(L, 3);
    lua_call(L, 0, 1);
    if (lua_isnil(L, -1)) break;
    lua_rawseti(L, -2, ++n);
  }
  lua_pop(L, 1);
  lua_replace(L, 3);
  return n;
}

static lua_Integer chunk_size(lua_State *L, const Executor *e, lua_Integer n) {
  if (!lua_isnoneornil(L, 4)) {
    lua_Integer given = luaL_checkinteger(L, 4);
    luaL_argcheck(L, given >= 1, 4, "must be one or more");
    return given < INT_MAX ? given : INT_MAX;
  }
  lua_Integer chunks = (lua_Integer)e->max_workers * CHUNKS_PER_WORKER, size = (n + chunks - 1) / chunks;
  return size > 0 ? size : 1;
}

/* (… error, traceback) */
static void raise_again(lua_State *L) {
  error_remember_traceback(L, -2);
  lua_error(L);
}

/* Raises an error unless element k, on top of the stack, is a list of arguments. */
static void check_arguments(lua_State *L, int k) {
  if (!lua_istable(L, -1)) luaL_error(L, "bad element #%d of the list to 'starmap' (table expected, got %s)", k, luaL_typename(L, -1));
  const char *wrong = options_no_list(L, -1, LIST_HOLES);
  if (wrong != NULL) luaL_error(L, "bad element #%d of the list to 'starmap' (%s)", k, wrong);
}

/* Pushes elements of the list at 3. */
static void push_batch(lua_State *L, lua_Integer first, int count, bool spread) {
  lua_createtable(L, count, 0);
  for (int k = 0; k < count; k++) {
    lua_geti(L, 3, first + k);
    if (spread) check_arguments(L, (int)first + k);
    lua_rawseti(L, -2, k + 1);
  }
}

/* (pool, f, list, chunksize, …) -> AsyncResult on top */
static void submit_all(lua_State *L, bool spread) {
  object_check_callable(L, 2);
  source_check(L, 3, LIST_HOLES);
  lua_settop(L, 6);
  Executor *e = push_executor(L); /* 7 */
  executor_check_open(L, 7);
  lua_Integer n = read_source(L), size = chunk_size(L, e, n), futures = 0;
  lua_newtable(L); /* 8 */
  for (lua_Integer first = 1; first <= n; first += size) {
    Split left = {.chunk = {.count = (int)(n - first + 1 < size ? n - first + 1 : size), .arity = 1, .spread = spread}};
    lua_pushvalue(L, 2);
    push_batch(L, first, left.chunk.count, spread);
    while (left.chunk.count > 0) {
      if (split_submit(L, 7, &left) == 0) raise_again(L);
      lua_rawseti(L, 8, ++futures);
    }
    lua_settop(L, 8);
  }
  async_result_new(L, true);
}

static int map_async(lua_State *L, bool spread) {
  object_check_last(L, 6);
  check_callbacks(L, 5);
  submit_all(L, spread);
  async_result_call_back(L, lua_gettop(L), 5, 6);
  return 1;
}

static int map(lua_State *L, bool spread) {
  object_check_last(L, 4);
  submit_all(L, spread);
  return async_result_get(L, -1);
}

static int pool_map(lua_State *L) { return map(L, false); }
static int pool_map_async(lua_State *L) { return map_async(L, false); }
static int pool_starmap(lua_State *L) { return map(L, true); }
static int pool_starmap_async(lua_State *L) { return map_async(L, true); }

static int imap(lua_State *L, bool unordered) {
  object_check_last(L, 4);
  object_check_callable(L, 2);
  source_check(L, 3, 0);
  lua_Integer chunk = luaL_optinteger(L, 4, 1);
  luaL_argcheck(L, chunk >= 1, 4, "must be one or more");
  lua_settop(L, 3);
  push_executor(L);
  executor_check_open(L, 4);
  lua_replace(L, 1);
  MapOptions o = {.chunk = chunk, .deadline = CLOCK_NEVER, .unordered = unordered, .persistent = true};
  return map_start(L, 1, 2, 1, &o);
}

static int pool_imap(lua_State *L) { return imap(L, false); }
static int pool_imap_unordered(lua_State *L) { return imap(L, true); }

/* --- the end --- */

static int pool_close(lua_State *L) {
  push_executor(L);
  ((Pool *)lua_touserdata(L, 1))->ended = true;
  executor_close(L, -1, false);
  return 0;
}

static int pool_terminate(lua_State *L) {
  push_executor(L);
  ((Pool *)lua_touserdata(L, 1))->ended = true;
  executor_terminate(L, -1);
  return 0;
}

static int pool_join(lua_State *L) {
  Executor *e = push_executor(L);
  if (!((Pool *)lua_touserdata(L, 1))->ended)
    return error_raise_state(L, "running", "the pool is still running: close or terminate it before join");
  executor_join(L, e, CLOCK_NEVER);
  return 0;
}

static int pool_gc(lua_State *L) {
  const Pool *p = object_check(L, 1, &pool_object_type);
  if (p->ended || lua_getiuservalue(L, 1, 1) == LUA_TNIL) return 0;
  lua_warning(L, "a running multiprocessing.Pool was collected: close or terminate it", 0);
  return 0;
}

/* "4 workers, open" */
static void describe(lua_State *L, void *object) {
  (void)object;
  lua_getiuservalue(L, 1, 1);
  if (executor_test(L, -1) != NULL) executor_describe(L, lua_touserdata(L, -1));
  else lua_pushliteral(L, "not made");
}

static const luaL_Reg pool_methods[] = {
    {"apply", pool_apply},         {"apply_async", pool_apply_async},
    {"close", pool_close},         {"imap", pool_imap},
    {"imap_unordered", pool_imap_unordered},
    {"join", pool_join},           {"map", pool_map},
    {"map_async", pool_map_async}, {"starmap", pool_starmap},
    {"starmap_async", pool_starmap_async},
    {"terminate", pool_terminate}, {NULL, NULL},
};

static const luaL_Reg pool_meta[] = {{"__close", pool_terminate}, {"__gc", pool_gc}, {NULL, NULL}};

static const ObjectType pool_object_type = {
    .name = "gilua.Pool", .size = sizeof(Pool), .methods = pool_methods, .meta = pool_meta, .describe = describe};

/* (constructor, options): the executor has names of its own for some, but what they may be is told by the Pool's */
int pool_new_over(lua_State *L) {
  static const Option known[] = {{"processes", OPTION_INTEGER, 1, MOST_WORKERS, NULL},
                                 {"initializer", OPTION_CALL, 0, 0, NULL},
                                 {"initargs", OPTION_LIST, 0, 0, NULL},
                                 {"maxtasksperchild", OPTION_INTEGER, 1, UINT32_MAX, NULL},
                                 {NULL, OPTION_FLAG, 0, 0, NULL}};
  static const char *const renamed[][2] = {{"processes", "max_workers"}, {"maxtasksperchild", "max_tasks_per_child"}};
  object_check_callable(L, 1);
  options_take(L, 2, "Pool", known, "processes");
  for (size_t k = 0; k < sizeof renamed / sizeof renamed[0]; k++) {
    lua_getfield(L, 2, renamed[k][0]);
    lua_setfield(L, 2, renamed[k][1]);
    lua_pushnil(L);
    lua_setfield(L, 2, renamed[k][0]);
  }
  object_new(L, &pool_object_type, 1); /* 3 */
  lua_pushvalue(L, 1);
  lua_pushvalue(L, 2);
  lua_call(L, 1, 1);
  executor_check(L, -1);
  lua_setiuservalue(L, 3, 1);
  return 1;
}

int pool_new(lua_State *L) {
  for (int k = 2; k <= lua_gettop(L); k++) luaL_argcheck(L, lua_isnil(L, k), k, "no value expected: Pool takes one table, {processes = …}");
  lua_settop(L, 1);
  if (!lua_isnil(L, 1) && lua_type(L, 1) != LUA_TNUMBER && !lua_istable(L, 1))
    luaL_argerror(L, 1, lua_pushfstring(L, "table expected, got %s: Pool takes one table, {processes = …}", luaL_typename(L, 1)));
  require_push(L);
  lua_pushliteral(L, "gilua.futures");
  lua_call(L, 1, 1);
  if (lua_getfield(L, -1, "ProcessPoolExecutor") == LUA_TNIL)
    return luaL_error(L, "this program has no ProcessPoolExecutor, which Pool runs on");
  lua_insert(L, 1);
  lua_settop(L, 2);
  return pool_new_over(L);
}
