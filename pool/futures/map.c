/* executor:map: what is read from the sources, what is under way, what has come.
 *
 * Reading the sources may run Lua code; it happens when the map is made and when a result is taken, never elsewhere. A
 * source that raises ends the input: what was read before is delivered first. A task that cannot be submitted fails at its
 * own position. A request of the reading thread is raised at once; what was read and submitted meanwhile stays, so that who
 * catches it may go on.
 */
#include "pool/futures/map.h"

#include <string.h>

#include "pool/futures/chunk.h"
#include "pool/futures/group.h"
#include "pool/futures/progress.h"
#include "runtime/sync/ring.h"
#include "runtime/state/error.h"

enum { AHEAD = 32, READ_AHEAD = 1024, MOST_CHUNK = 4096, CHUNK_NS = 1000000 };

/* User values of a Map. */
enum {
  MAP_EXECUTOR = 1,
  MAP_FUNCTION,
  MAP_SOURCES,
  MAP_CLOSING,      /* to be closed at the end, or nil */
  MAP_WINDOW,       /* in order: the table of the ring; unordered: the group */
  MAP_COUNTS,       /* of chunks under way: future -> calls */
  MAP_BATCH,        /* arguments that were read and are not submitted, or nil */
  MAP_RESULTS,      /* of the chunk that is being delivered */
  MAP_ERRORS,       /* of its calls: place -> {error, traceback}, or nil */
  MAP_SOURCE_ERROR, /* due when nothing is under way any more */
  MAP_USE,          /* the MapUse */
  MAP_VALUES = MAP_USE,
};

typedef struct Map {
  ObjectHead head;
  bool unordered, persistent; /* [i] */
  bool chunked;               /* [i] tasks are chunks */
  bool automatic;             /* [i] and their size follows the time that calls take */
  int nsources;               /* [i] */
  lua_Integer window;         /* [i] tasks under way, at most */
  lua_Integer buffer;         /* [i] calls under way, at most */
  int64_t deadline;           /* [i] */
  int chunk;                  /* [G] calls in the next task */
  int held, part;             /* [G] calls in the batch, and values of the one after them */
  Ring ring;                  /* [G] */
  lua_Integer tasks;          /* [G] under way */
  lua_Integer calls;          /* [G] of these, not yet delivered */
  lua_Integer index;          /* [G] of the value read last from lists */
  lua_Integer ready, next;    /* [G] results of the current chunk, and of these delivered */
  bool in_use;                /* [G] a thread is in map_next */
  bool ended;                 /* [G] nothing more is read */
  bool source_failed;         /* [G] its error is due */
  Progress progress;          /* [G] */
} Map;

static const ObjectType map_type;

/* What map_next closes when it is left, also by an error. */
typedef struct MapUse {
  ObjectHead head;
  Map *map; /* [i] which keeps it */
} MapUse;

static int use_close(lua_State *L) {
  ((MapUse *)lua_touserdata(L, 1))->map->in_use = false;
  return 0;
}

static const luaL_Reg no_methods[] = {{NULL, NULL}};
static const luaL_Reg use_meta[] = {{"__close", use_close}, {NULL, NULL}};
static const ObjectType use_type = {
    .name = "gilua.MapUse", .size = sizeof(MapUse), .methods = no_methods, .meta = use_meta};

/* --- reading: the Map is at 1 --- */

/* (map, batch): reads what is missing of the next call into the batch; returns whether there was any. */
static int read_call(lua_State *L) {
  Map *m = lua_touserdata(L, 1);
  lua_getiuservalue(L, 1, MAP_SOURCES);
  while (m->part < m->nsources) {
    lua_rawgeti(L, 3, m->part + 1);
    if (lua_istable(L, -1)) {
      lua_geti(L, -1, m->index + 1);
      lua_remove(L, -2);
    } else {
      lua_call(L, 0, 1);
    }
    if (lua_isnil(L, -1)) return 0;
    lua_rawseti(L, 2, (lua_Integer)m->held * m->nsources + m->part + 1);
    m->part++;
  }
  m->part = 0;
  m->held++;
  m->index++;
  lua_pushboolean(L, true);
  return 1;
}

/* Reads one call into the batch on top of the stack. False: the sources have ended, or one has raised. */
static bool read_one(lua_State *L, Map *m) {
  int batch = lua_gettop(L);
  lua_pushcfunction(L, read_call);
  lua_pushvalue(L, 1);
  lua_pushvalue(L, batch);
  CallResult result = call_user(L, 2, 1);
  if (result == CALL_REQUESTED) lua_error(L);
  if (result == CALL_FAILED) {
    m->source_failed = true;
    lua_pop(L, 1);
    lua_setiuservalue(L, 1, MAP_SOURCE_ERROR);
  }
  bool got = result == CALL_OK && lua_toboolean(L, -1);
  lua_settop(L, batch);
  if (!got) m->ended = true;
  return got;
}

/* --- submitting --- */

/* (executor, f, args… or batch, chunk or nil): raises what submitting raises; returns the future */
static int submit_protected(lua_State *L) {
  const Chunk *chunk = lua_touserdata(L, -1);
  lua_pop(L, 1);
  if (chunk != NULL) executor_submit_chunk(L, 1, chunk);
  else executor_submit(L, 1, lua_gettop(L) - 2);
  return 1;
}

/* Pushes the future of a call whose arguments are in the batch on top of the stack, or of a chunk of them. A task that
 * cannot be submitted becomes a future that has failed. */
static void submit(lua_State *L, Map *m, const Chunk *chunk) {
  int batch = lua_gettop(L), n = chunk != NULL ? 1 : m->nsources;
  luaL_checkstack(L, n + 12, "too many lists");
  lua_pushcfunction(L, submit_protected);
  lua_getiuservalue(L, 1, MAP_EXECUTOR);
  lua_getiuservalue(L, 1, MAP_FUNCTION);
  if (chunk != NULL) lua_pushvalue(L, batch);
  else for (int k = 1; k <= n; k++) lua_rawgeti(L, batch, k);
  lua_pushlightuserdata(L, (void *)chunk);
  CallResult result = call_user(L, n + 3, 1);
  if (result == CALL_REQUESTED) lua_error(L);
  if (result == CALL_FAILED) {
    future_new(L, NULL, NULL, 0);
    lua_insert(L, -3);
    future_set_error(L, -3);
  }
  ((Future *)lua_touserdata(L, -1))->abandoned = true;
}

/* Puts the future on top of the stack, of that many calls, into the window; leaves more on the stack. */
static void keep(lua_State *L, Map *m, int calls) {
  int future = lua_gettop(L);
  if (m->chunked) {
    lua_getiuservalue(L, 1, MAP_COUNTS);
    lua_pushinteger(L, calls);
    lua_rawsetp(L, -2, lua_touserdata(L, future));
  }
  while (!m->unordered && !ring_fits(&m->ring, m->tasks)) ring_fit(L, &m->ring, 1, MAP_WINDOW, &m->tasks, NULL);
  lua_getiuservalue(L, 1, MAP_WINDOW);
  if (m->unordered) {
    group_add(L, lua_gettop(L), future);
  } else {
    lua_pushvalue(L, future);
    lua_rawseti(L, -2, ring_slot(&m->ring, m->tasks));
  }
  m->tasks++;
  m->calls += calls;
}

/* Pushes the batch, a new one if there is none. */
static void push_batch(lua_State *L, const Map *m, int most) {
  if (lua_getiuservalue(L, 1, MAP_BATCH) != LUA_TNIL) return;
  lua_createtable(L, most * m->nsources, 0);
  lua_replace(L, -2);
  lua_pushvalue(L, -1);
  lua_setiuservalue(L, 1, MAP_BATCH);
}

/* Reads and submits until the window is full. */
static void fill(lua_State *L, Map *m) {
  int top = lua_gettop(L);
  luaL_checkstack(L, 16, NULL);
  while ((!m->ended || m->held > 0) && m->tasks < m->window && m->calls < m->buffer) {
    int most = m->chunk;
    if (most > m->buffer - m->calls) most = (int)(m->buffer - m->calls);
    push_batch(L, m, most);
    while (m->held < most && !m->ended && read_one(L, m)) continue;
    if (m->held > 0) {
      Chunk chunk = {.count = m->held, .arity = m->nsources, .goes_on = m->persistent};
      submit(L, m, m->chunked ? &chunk : NULL);
      m->held = 0;
      if (m->chunked) {
        lua_pushnil(L);
        lua_setiuservalue(L, 1, MAP_BATCH);
      }
      keep(L, m, chunk.count);
    }
    lua_settop(L, top);
  }
}

/* Cancels what has not begun and forgets the rest. */
static void cancel_rest(lua_State *L, Map *m) {
  int top = lua_gettop(L);
  luaL_checkstack(L, 8, NULL);
  m->ended = true;
  m->held = m->part = 0;
  lua_getiuservalue(L, 1, MAP_WINDOW);
  if (m->unordered) lua_getiuservalue(L, -1, 1);
  lua_Integer n = (lua_Integer)lua_rawlen(L, -1);
  if (!m->unordered) n = m->ring.capacity;
  int list = lua_gettop(L);
  for (lua_Integer k = 1; k <= n && m->tasks > 0; k++) {
    lua_rawgeti(L, list, k);
    Future *f = future_test(L, -1);
    if (f != NULL && !future_decided(f) && f->state != FUTURE_RUNNING &&
        (f->source == NULL || !f->source->running(f)))
      future_cancel(L, -1);
    lua_pop(L, 1);
    lua_pushboolean(L, false);
    lua_rawseti(L, list, k);
  }
  m->tasks = m->calls = 0;
  lua_settop(L, top);
}

/* Closes what the source is to be closed with, if anything; its error passes on. */
static void close_source(lua_State *L) {
  if (lua_getiuservalue(L, 1, MAP_CLOSING) != LUA_TNIL) {
    lua_pushnil(L);
    lua_setiuservalue(L, 1, MAP_CLOSING);
    lua_toclose(L, -1);
  }
  lua_pop(L, 1);
}

/* --- taking --- */

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
  } else {
    future_push_result(L, future);
    lua_settop(L, future + CHUNK_VALUES); /* results, n, ns, errors */
    m->ready = lua_tointeger(L, future + 2);
    adapt(m, m->ready, lua_tointeger(L, future + 3));
    lua_pushvalue(L, future + 1);
  }
  lua_setiuservalue(L, 1, MAP_RESULTS);
  bool failed = !lua_isnil(L, -1);
  lua_setiuservalue(L, 1, MAP_ERRORS);
  m->next = 0;
  if (failed && !m->persistent) cancel_rest(L, m);
}

/* Raises the error of the result that is next, if it has one. */
static void raise_if_failed(lua_State *L, Map *m) {
  if (lua_getiuservalue(L, 1, MAP_ERRORS) == LUA_TNIL) return;
  if (lua_rawgeti(L, -1, m->next) == LUA_TNIL) return;
  if (!m->persistent) {
    m->ready = 0;
    progress_end(&m->progress);
  }
  m->calls--;
  lua_rawgeti(L, -1, 1);
  lua_rawgeti(L, -2, 2);
  error_remember_traceback(L, -2);
  lua_error(L);
}

static int fill_protected(lua_State *L) {
  fill(L, lua_touserdata(L, 1));
  return 0;
}

/* The value at that index is the next result again. */
static void give_back(lua_State *L, Map *m, int value) {
  if (m->chunked) {
    m->next--;
  } else {
    lua_createtable(L, 1, 0);
    lua_pushvalue(L, value);
    lua_rawseti(L, -2, 1);
    lua_setiuservalue(L, 1, MAP_RESULTS);
    lua_pushnil(L);
    lua_setiuservalue(L, 1, MAP_ERRORS);
    m->ready = 1;
    m->next = 0;
  }
  m->calls++;
}

/* Delivers the value on top of the stack. */
static int deliver(lua_State *L, Map *m) {
  if (lua_isnil(L, -1)) lua_pushboolean(L, false); /* else a generic for would end */
  int value = lua_gettop(L);
  if (m->calls > 0) m->calls--;
  lua_pushcfunction(L, fill_protected);
  lua_pushvalue(L, 1);
  if (lua_pcall(L, 1, 0, 0) != LUA_OK) {
    give_back(L, m, value);
    return lua_error(L);
  }
  progress_step(&m->progress);
  return 1;
}

/* Nothing is under way and nothing is left. */
static int finish(lua_State *L, Map *m) {
  progress_end(&m->progress);
  close_source(L);
  if (!m->source_failed) return 0;
  m->source_failed = false;
  lua_getiuservalue(L, 1, MAP_SOURCE_ERROR);
  return lua_error(L);
}

/* the iterator; upvalue: the Map */
static int map_next(lua_State *L) {
  lua_settop(L, 0);
  lua_pushvalue(L, lua_upvalueindex(1));
  Map *m = lua_touserdata(L, 1);
  if (m->in_use) return luaL_error(L, "the iterator is in use by another thread, or by its own source");
  lua_getiuservalue(L, 1, MAP_USE); /* 2 */
  m->in_use = true;
  lua_toclose(L, 2);
  for (;;) {
    lua_settop(L, 2);
    if (m->next < m->ready) {
      m->next++;
      raise_if_failed(L, m);
      lua_getiuservalue(L, 1, MAP_RESULTS);
      lua_rawgeti(L, -1, m->next);
      return deliver(L, m);
    }
    fill(L, m);
    if (m->tasks == 0) return finish(L, m);
    take(L, m);
    const Future *f = lua_touserdata(L, -1);
    if (m->chunked || f->state != FUTURE_DONE) {
      open_task(L, m);
      continue;
    }
    int future = lua_gettop(L);
    future_push_result(L, future);
    lua_settop(L, future + 1); /* the first value, or nil */
    return deliver(L, m);
  }
}

static bool reads_function(lua_State *L, int f, int n) {
  for (int s = 1; s <= n; s++)
    if (!lua_istable(L, f + s)) return true;
  return false;
}

int map_start(lua_State *L, int e, int f, int n, const MapOptions *o) {
  const Executor *executor = lua_touserdata(L, e);
  if (!o->closes) lua_pushnil(L);
  int closing = lua_gettop(L);
  luaL_checkstack(L, 16, NULL);
  Map *m = object_new(L, &map_type, MAP_VALUES);
  int map = lua_gettop(L);
  m->unordered = o->unordered;
  m->persistent = o->persistent;
  m->automatic = o->chunk == 0 && executor->backend->chunks;
  m->chunked = o->chunk > 1 || m->automatic;
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
  ((MapUse *)object_new(L, &use_type, 0))->map = m;
  lua_setiuservalue(L, map, MAP_USE);
  if (m->unordered) group_new(L, (int)m->window);
  else ring_init(L, &m->ring);
  lua_setiuservalue(L, map, MAP_WINDOW);
  if (executor->show_progress)
    progress_begin(&m->progress, n == 1 && lua_istable(L, f + 1) ? (lua_Integer)lua_rawlen(L, f + 1) : -1);
  lua_pushcfunction(L, fill_protected);
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
  if (lua_getiuservalue(L, 1, MAP_WINDOW) != LUA_TNIL) cancel_rest(L, m);
  progress_end(&m->progress);
  lua_settop(L, 1);
  return 0;
}

/* <close>: of the source, too; a finalizer leaves it to its own */
static int map_close_method(lua_State *L) {
  map_close(L);
  close_source(L);
  return 0;
}

static const luaL_Reg map_meta[] = {{"__close", map_close_method}, {"__gc", map_close}, {NULL, NULL}};
static const ObjectType map_type = {
    .name = "gilua.Map", .size = sizeof(Map), .methods = no_methods, .meta = map_meta};
