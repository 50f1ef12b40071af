/* executor:map: taking what has come, one result a call. */
#include "pool/futures/map.h"

#include "pool/futures/chunk.h"
#include "pool/futures/group.h"
#include "pool/futures/map_input.h"
#include "runtime/state/error.h"

enum { AHEAD = 32, READ_AHEAD = 1024, MOST_CHUNK = 4096, CHUNK_NS = 1000000 };

static const ObjectType map_type;

/* Waits for the next future that is decided and pushes it; the window is not empty. */
static void take(lua_State *L, Map *m) {
  Tstate *ts = park_self(L);
  bool taken = true;
  lua_getiuservalue(L, 1, MAP_WINDOW);
  int window = lua_gettop(L);
  lua_Integer slot = ring_slot(&m->ring, 0);
  ParkResult result;
  if (m->unordered) {
    result = group_take(L, ts, window, m->deadline, &taken);
  } else {
    lua_rawgeti(L, window, slot);
    result = future_wait(L, ts, window + 1, m->deadline);
  }
  if (!park_check(L, ts, result)) error_raise(L, ERROR_TIMEOUT, "the next result did not come in time");
  if (!m->unordered) {
    lua_pushboolean(L, false);
    lua_rawseti(L, window, slot);
    m->ring.head = (m->ring.head + 1) & (m->ring.capacity - 1);
  }
  m->tasks--;
}

/* The next chunks take about CHUNK_NS; longer ones would make results wait for each other. */
static void adapt(Map *m, lua_Integer n, lua_Integer ns) {
  if (!m->automatic || n == 0) return;
  lua_Integer each = ns / n + 1, want = CHUNK_NS / each;
  if (want > 2 * m->chunk) want = 2 * m->chunk;
  m->chunk = want < 1 ? 1 : want > MOST_CHUNK ? MOST_CHUNK : (int)want;
}

/* How many calls the future at that index was for. */
static int take_count(lua_State *L, const Map *m, int future) {
  if (!m->chunked) return 1;
  const void *f = lua_touserdata(L, future);
  lua_getiuservalue(L, 1, MAP_COUNTS);
  lua_rawgetp(L, -1, f);
  int n = (int)lua_tointeger(L, -1);
  lua_pushnil(L);
  lua_rawsetp(L, -3, f);
  lua_pop(L, 2);
  return n;
}

/* Every call of the task whose future is on top has failed with its error, pushed as a list of errors. */
static void push_errors(lua_State *L, int calls) {
  int future = lua_gettop(L);
  lua_createtable(L, calls, 0);
  lua_createtable(L, 2, 0);
  future_push_error(L, future);
  lua_rawseti(L, -2, 1);
  lua_getiuservalue(L, future, FUTURE_TRACEBACK);
  lua_rawseti(L, -2, 2);
  for (int k = 1; k <= calls; k++) {
    lua_pushvalue(L, -1);
    lua_rawseti(L, -3, k);
  }
  lua_pop(L, 1);
}

/* Takes apart what came: the future on top of the stack. */
static void open_task(lua_State *L, Map *m) {
  const Future *f = lua_touserdata(L, -1);
  int future = lua_gettop(L), calls = take_count(L, m, future);
  if (f->state != FUTURE_DONE) {
    push_errors(L, calls);
    lua_newtable(L);
    m->ready = calls;
  } else if (!m->chunked) {
    future_push_result(L, future);
    lua_settop(L, future + 1); /* the first value, or nil */
    lua_setiuservalue(L, 1, MAP_RESULTS);
    m->failed = false;
    m->next = 0;
    m->ready = 1;
    return;
  } else {
    future_push_result(L, future);
    lua_settop(L, future + CHUNK_VALUES); /* results, n, ns, errors */
    m->ready = lua_tointeger(L, future + 2);
    adapt(m, m->ready, lua_tointeger(L, future + 3));
    lua_pushvalue(L, future + 1);
  }
  lua_setiuservalue(L, 1, MAP_RESULTS);
  m->failed = !lua_isnil(L, -1);
  lua_setiuservalue(L, 1, MAP_ERRORS);
  m->next = 0;
  if (m->failed && !m->persistent) map_cancel_rest(L, m);
}

/* The next result no longer counts as under way, so that a task takes its place; raises it if it is an error. */
static void count_out(lua_State *L, Map *m) {
  if (m->calls > 0) m->calls--;
  if (m->failed) {
    lua_getiuservalue(L, 1, MAP_ERRORS);
    if (lua_rawgeti(L, -1, m->next + 1) != LUA_TNIL) {
      m->next++;
      if (!m->persistent) {
        m->ready = 0;
        progress_end(&m->progress);
      }
      lua_rawgeti(L, -1, 1);
      lua_rawgeti(L, -2, 2);
      error_remember_traceback(L, -2);
      lua_error(L);
    }
    lua_pop(L, 2);
  }
  m->due = true;
}

/* Delivers the next result. What filling raises leaves it for the next call. */
static int deliver(lua_State *L, Map *m) {
  if (!m->due) count_out(L, m);
  map_fill(L, m);
  m->due = false;
  m->next++;
  lua_getiuservalue(L, 1, MAP_RESULTS);
  if (m->chunked) lua_rawgeti(L, -1, m->next);
  if (lua_isnil(L, -1)) lua_pushboolean(L, false); /* else a generic for would end */
  progress_step(&m->progress);
  return 1;
}

/* Nothing is under way and nothing is left. */
static int finish(lua_State *L, Map *m) {
  progress_end(&m->progress);
  map_close_source(L);
  if (!m->source_failed) return 0;
  m->source_failed = false;
  lua_getiuservalue(L, 1, MAP_SOURCE_ERROR);
  lua_getiuservalue(L, 1, MAP_SOURCE_TRACEBACK);
  error_remember_traceback(L, -2);
  return lua_error(L);
}

/* (map): one step of the iterator, which is in use meanwhile */
static int map_step(lua_State *L) {
  Map *m = lua_touserdata(L, 1);
  while (m->next >= m->ready) {
    lua_settop(L, 1);
    map_fill(L, m);
    if (m->tasks == 0) return finish(L, m);
    take(L, m);
    open_task(L, m);
  }
  return deliver(L, m);
}

/* the iterator; upvalue: the Map */
static int map_next(lua_State *L) {
  lua_settop(L, 0);
  lua_pushcfunction(L, map_step);
  lua_pushvalue(L, lua_upvalueindex(1));
  Map *m = lua_touserdata(L, -1);
  if (m->in_use) return luaL_error(L, "the iterator is in use by another thread, or by its own source");
  m->in_use = true;
  int status = error_call(L, 1, 1);
  m->in_use = false;
  return status == LUA_OK ? 1 : error_pass_on(L, status);
}

static bool reads_function(lua_State *L, int f, int n) {
  for (int s = 1; s <= n; s++)
    if (!lua_istable(L, f + s)) return true;
  return false;
}

/* (map) */
static int first_window(lua_State *L) {
  map_fill(L, lua_touserdata(L, 1));
  return 0;
}

int map_start(lua_State *L, int e, int f, int n, const MapOptions *o) {
  const Executor *executor = executor_at(L, e);
  if (!o->closes) lua_pushnil(L);
  int closing = lua_gettop(L);
  luaL_checkstack(L, 16, NULL);
  Map *m = object_new(L, &map_type, MAP_VALUES);
  int map = lua_gettop(L);
  m->unordered = o->unordered;
  m->persistent = o->persistent;
  m->automatic = o->chunk == 0 && executor->backend->chunks;
  m->chunked = o->chunk > 1 || executor->backend->chunks; /* where results travel, only the first of each call does */
  m->nsources = n;
  m->window = 2 * (lua_Integer)executor->max_workers + AHEAD;
  m->buffer = o->buffer;
  if (m->buffer == 0) m->buffer = m->automatic && reads_function(L, f, n) ? READ_AHEAD : LUA_MAXINTEGER;
  m->deadline = o->deadline;
  m->chunk = o->chunk == 0 ? 1 : o->chunk > MOST_CHUNK ? MOST_CHUNK : (int)o->chunk;
  lua_pushvalue(L, closing);
  lua_setiuservalue(L, map, MAP_CLOSING);
  lua_pushvalue(L, e);
  lua_setiuservalue(L, map, MAP_EXECUTOR);
  lua_pushvalue(L, f);
  lua_setiuservalue(L, map, MAP_FUNCTION);
  lua_createtable(L, n, 0);
  for (int s = 1; s <= n; s++) {
    lua_pushvalue(L, f + s);
    lua_rawseti(L, -2, s);
  }
  lua_setiuservalue(L, map, MAP_SOURCES);
  lua_newtable(L);
  lua_setiuservalue(L, map, MAP_COUNTS);
  if (m->unordered) group_new(L, (int)m->window);
  else ring_init(L, &m->ring);
  lua_setiuservalue(L, map, MAP_WINDOW);
  if (executor->show_progress)
    progress_begin(&m->progress, n == 1 && lua_istable(L, f + 1) ? (lua_Integer)lua_rawlen(L, f + 1) : -1);
  lua_pushcfunction(L, first_window);
  lua_pushvalue(L, map);
  lua_call(L, 1, 0);
  lua_pushvalue(L, map);
  lua_pushcclosure(L, map_next, 1);
  lua_pushnil(L);
  lua_pushnil(L);
  lua_pushvalue(L, map);
  return 4;
}

static int map_close(lua_State *L) {
  Map *m = object_check(L, 1, &map_type);
  lua_settop(L, 1);
  m->source_failed = false;
  m->ready = m->next = 0;
  m->due = false;
  if (lua_getiuservalue(L, 1, MAP_WINDOW) != LUA_TNIL) map_cancel_rest(L, m);
  progress_end(&m->progress);
  lua_settop(L, 1);
  return 0;
}

/* <close>: of the source, too; a finalizer leaves it to its own */
static int map_close_method(lua_State *L) {
  map_close(L);
  map_close_source(L);
  return 0;
}

static const luaL_Reg no_methods[] = {{NULL, NULL}};
static const luaL_Reg map_meta[] = {{"__close", map_close_method}, {"__gc", map_close}, {NULL, NULL}};
static const ObjectType map_type = {
    .name = "gilua.Map", .size = sizeof(Map), .methods = no_methods, .meta = map_meta};
