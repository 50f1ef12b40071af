/* executor:map: what is read from the sources, what is under way, what has come.
 *
 * Reading the sources may run Lua code; it happens when the map is made and when a result is taken, never elsewhere. A
 * source that raises ends the input: what was read before is delivered first. A task that cannot be submitted fails at its
 * own position.
 */
#include "pool/futures/map.h"

#include <string.h>

#include "pool/futures/group.h"
#include "pool/futures/lib_futures.h"
#include "pool/futures/progress.h"
#include "runtime/sync/ring.h"
#include "runtime/thread/error.h"

enum { AHEAD = 32, READ_AHEAD = 1024, MOST_CHUNK = 4096, CHUNK_NS = 1000000 };

/* User values of a Map. */
enum {
  MAP_EXECUTOR = 1,
  MAP_FUNCTION,
  MAP_SOURCES,
  MAP_WINDOW,       /* in order: the table of the ring; unordered: the group */
  MAP_SCRATCH,      /* the arguments of one call */
  MAP_RESULTS,      /* of the chunk that is being delivered */
  MAP_ERROR,        /* of a task, due after these */
  MAP_TRACEBACK,
  MAP_SOURCE_ERROR, /* due when nothing is under way any more */
  MAP_VALUES = MAP_SOURCE_ERROR,
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
  Ring ring;                  /* [G] */
  lua_Integer tasks;          /* [G] under way */
  lua_Integer calls;          /* [G] of these, not yet delivered */
  lua_Integer index;          /* [G] of the value read last from lists */
  lua_Integer ready, next;    /* [G] results of the current chunk, and of these delivered */
  lua_Integer user;           /* [G] ident of the thread that is in map_next; stays after a memory error or a request */
  bool ended;                 /* [G] nothing more is read */
  bool failed, source_failed; /* [G] the errors are due */
  Progress progress;          /* [G] */
} Map;

static const ObjectType map_type;

static Executor *push_executor(lua_State *L) {
  lua_getiuservalue(L, 1, MAP_EXECUTOR);
  return lua_touserdata(L, -1);
}

/* --- reading: the Map is at 1 --- */

/* (map, batch, at): reads the arguments of one call into batch[at + 1 …]; returns whether there were any. */
static int read_call(lua_State *L) {
  Map *m = lua_touserdata(L, 1);
  lua_Integer at = lua_tointeger(L, 3);
  lua_getiuservalue(L, 1, MAP_SOURCES);
  for (int s = 1; s <= m->nsources; s++) {
    lua_rawgeti(L, 4, s);
    if (lua_istable(L, -1)) {
      lua_geti(L, -1, m->index + 1);
      lua_remove(L, -2);
    } else {
      lua_call(L, 0, 1);
    }
    if (lua_isnil(L, -1)) return 0;
    lua_rawseti(L, 2, at + s);
  }
  m->index++;
  lua_pushboolean(L, true);
  return 1;
}

/* Reads one call into the batch on top of the stack. False: the sources have ended, or one has raised. */
static bool read_one(lua_State *L, Map *m, lua_Integer at) {
  int batch = lua_gettop(L);
  lua_pushcfunction(L, error_traceback_handler);
  lua_pushcfunction(L, read_call);
  lua_pushvalue(L, 1);
  lua_pushvalue(L, batch);
  lua_pushinteger(L, at);
  if (lua_pcall(L, 3, 1, batch + 1) != LUA_OK) {
    m->source_failed = true;
    lua_pushvalue(L, -1);
    lua_setiuservalue(L, 1, MAP_SOURCE_ERROR);
    lua_pushnil(L);
  }
  bool got = lua_toboolean(L, -1);
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
  luaL_checkstack(L, n + 8, "too many lists");
  lua_pushcfunction(L, submit_protected);
  push_executor(L);
  lua_getiuservalue(L, 1, MAP_FUNCTION);
  if (chunk != NULL) lua_pushvalue(L, batch);
  else for (int k = 1; k <= n; k++) lua_rawgeti(L, batch, k);
  lua_pushlightuserdata(L, (void *)chunk);
  if (lua_pcall(L, n + 3, 1, 0) == LUA_OK) return;
  future_new(L, NULL, NULL, 0);
  lua_insert(L, -2);
  lua_pushnil(L);
  future_set_error(L, -3);
}

/* Puts the future on top of the stack into the window; leaves more on the stack. */
static void keep(lua_State *L, Map *m) {
  int future = lua_gettop(L);
  while (!m->unordered && !ring_fits(&m->ring, m->tasks)) ring_fit(L, &m->ring, 1, MAP_WINDOW, &m->tasks, NULL);
  lua_getiuservalue(L, 1, MAP_WINDOW);
  if (m->unordered) {
    group_add(L, future + 1, future);
    return;
  }
  lua_pushvalue(L, future);
  lua_rawseti(L, -2, ring_slot(&m->ring, m->tasks));
}

static int read_chunk(lua_State *L, Map *m, int most) {
  int n = 0;
  while (n < most && read_one(L, m, (lua_Integer)n * m->nsources)) n++;
  return n;
}

/* Reads and submits until the window is full. */
static void fill(lua_State *L, Map *m) {
  int top = lua_gettop(L);
  luaL_checkstack(L, 16, NULL);
  while (!m->ended && m->tasks < m->window && m->calls < m->buffer) {
    int most = m->chunk;
    if (most > m->buffer - m->calls) most = (int)(m->buffer - m->calls);
    if (m->chunked) lua_createtable(L, most * m->nsources, 0);
    else lua_getiuservalue(L, 1, MAP_SCRATCH);
    Chunk chunk = {.count = read_chunk(L, m, most), .arity = m->nsources};
    if (chunk.count > 0) {
      submit(L, m, m->chunked ? &chunk : NULL);
      keep(L, m);
      m->tasks++;
      m->calls += chunk.count;
    }
    lua_settop(L, top);
  }
}

/* Cancels what has not begun and forgets the rest. */
static void cancel_rest(lua_State *L, Map *m) {
  int top = lua_gettop(L);
  luaL_checkstack(L, 8, NULL);
  m->ended = true;
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

/* --- taking --- */

static int raise_timeout(lua_State *L, Map *m) {
  m->user = 0;
  return error_raise(L, ERROR_TIMEOUT, "the next result did not come in time");
}

/* Pushes the next future that is decided; the window is not empty. */
static void take(lua_State *L, Map *m) {
  Tstate *ts = park_self(L);
  if (m->unordered) {
    bool taken;
    lua_getiuservalue(L, 1, MAP_WINDOW);
    if (!park_check(L, ts, group_take(L, ts, -1, m->deadline, &taken))) raise_timeout(L, m);
    m->tasks--;
    return;
  }
  lua_getiuservalue(L, 1, MAP_WINDOW);
  lua_Integer slot = ring_slot(&m->ring, 0);
  lua_rawgeti(L, -1, slot);
  if (!park_check(L, ts, future_wait(L, ts, -1, m->deadline))) raise_timeout(L, m);
  lua_pushboolean(L, false);
  lua_rawseti(L, -3, slot);
  m->ring.head = (m->ring.head + 1) & (m->ring.capacity - 1);
  m->tasks--;
}

/* The next chunks take about CHUNK_NS; longer ones would make results wait for each other. */
static void adapt(Map *m, lua_Integer n, lua_Integer ns) {
  if (!m->automatic || n == 0) return;
  lua_Integer each = ns / n + 1, want = CHUNK_NS / each;
  if (want > 2 * m->chunk) want = 2 * m->chunk;
  m->chunk = want < 1 ? 1 : want > MOST_CHUNK ? MOST_CHUNK : (int)want;
}

/* The error on top of the stack and its traceback above are due after the results; popped. */
static void note_error(lua_State *L, Map *m) {
  lua_setiuservalue(L, 1, MAP_TRACEBACK);
  lua_setiuservalue(L, 1, MAP_ERROR);
  m->failed = true;
  if (!m->persistent) cancel_rest(L, m);
}

/* Takes apart what chunk_run returned, in the future on top of the stack. */
static void open_chunk(lua_State *L, Map *m) {
  int future = lua_gettop(L);
  future_push_result(L, future);
  lua_settop(L, future + 6); /* results, n, ns, failed, error, traceback */
  lua_Integer n = lua_tointeger(L, future + 2);
  adapt(m, n, lua_tointeger(L, future + 3));
  m->ready = n;
  m->next = 0;
  lua_pushvalue(L, future + 1);
  lua_setiuservalue(L, 1, MAP_RESULTS);
  if (!lua_toboolean(L, future + 4)) return;
  m->calls -= m->chunk - n; /* about: a chunk may have been smaller */
  lua_settop(L, future + 6);
  note_error(L, m);
}

static void open_failed(lua_State *L, Map *m) {
  future_push_error(L, -1);
  lua_getiuservalue(L, -2, FUTURE_TRACEBACK);
  note_error(L, m);
}

static int raise_due(lua_State *L, Map *m) {
  m->failed = false;
  m->user = 0;
  progress_end(&m->progress);
  lua_getiuservalue(L, 1, MAP_ERROR);
  lua_getiuservalue(L, 1, MAP_TRACEBACK);
  lua_pushnil(L);
  lua_setiuservalue(L, 1, MAP_ERROR);
  error_remember_traceback(L, -2);
  return lua_error(L);
}

/* Delivers the value on top of the stack. */
static int deliver(lua_State *L, Map *m) {
  if (lua_isnil(L, -1)) lua_pushboolean(L, false); /* else a generic for would end */
  m->calls--;
  progress_step(&m->progress);
  int value = lua_gettop(L);
  fill(L, m);
  lua_settop(L, value);
  m->user = 0;
  return 1;
}

/* Nothing is under way and nothing is left. */
static int finish(lua_State *L, Map *m) {
  m->user = 0;
  progress_end(&m->progress);
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
  lua_Integer ident = park_self(L)->ident;
  if (m->user != 0 && m->user != ident) return luaL_error(L, "the iterator is in use by another thread");
  m->user = ident;
  for (;;) {
    lua_settop(L, 1);
    if (m->next < m->ready) {
      lua_getiuservalue(L, 1, MAP_RESULTS);
      lua_rawgeti(L, -1, ++m->next);
      return deliver(L, m);
    }
    if (m->failed) return raise_due(L, m);
    fill(L, m);
    if (m->tasks == 0) return finish(L, m);
    take(L, m);
    const Future *f = lua_touserdata(L, -1);
    if (f->state != FUTURE_DONE) {
      m->calls -= m->chunk;
      open_failed(L, m);
    } else if (m->chunked) {
      open_chunk(L, m);
    } else {
      int future = lua_gettop(L);
      future_push_result(L, future);
      lua_settop(L, future + 1); /* the first value, or nil */
      return deliver(L, m);
    }
  }
}

static bool reads_function(lua_State *L, int f, int n) {
  for (int s = 1; s <= n; s++)
    if (!lua_istable(L, f + s)) return true;
  return false;
}

static int fill_first(lua_State *L) {
  fill(L, lua_touserdata(L, 1));
  return 0;
}

int map_start(lua_State *L, int e, int f, int n, const MapOptions *o) {
  Executor *executor = lua_touserdata(L, e);
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
  lua_createtable(L, n, 0);
  lua_setiuservalue(L, map, MAP_SCRATCH);
  if (m->unordered) group_new(L, (int)m->window);
  else ring_init(L, &m->ring);
  lua_setiuservalue(L, map, MAP_WINDOW);
  if (executor->show_progress)
    progress_begin(&m->progress, n == 1 && lua_istable(L, f + 1) ? (lua_Integer)lua_rawlen(L, f + 1) : -1);
  lua_pushcfunction(L, fill_first);
  lua_pushvalue(L, map);
  lua_call(L, 1, 0);
  lua_pushvalue(L, map);
  lua_pushcclosure(L, map_next, 1);
  lua_pushnil(L);
  lua_pushnil(L);
  lua_pushvalue(L, map);
  return 4;
}

/* An options table as the last argument: strings only as keys; a list has none. */
static bool has_options(lua_State *L) {
  int last = lua_gettop(L);
  if (last < 4 || !lua_istable(L, last) || lua_rawlen(L, last) > 0) return false;
  lua_pushnil(L);
  if (lua_next(L, last) == 0) return false; /* an empty list */
  bool is = lua_type(L, -2) == LUA_TSTRING;
  lua_pop(L, 2);
  return is;
}

static lua_Integer option_count(lua_State *L, int options, const char *name) {
  lua_Integer n = 0;
  if (lua_getfield(L, options, name) != LUA_TNIL) {
    int is_integer;
    n = lua_tointegerx(L, -1, &is_integer);
    if (!is_integer || n < 1) luaL_error(L, "bad option '%s' to 'map' (must be an integer of one or more)", name);
  }
  lua_pop(L, 1);
  return n;
}

/* Reads and pops the options on top of the stack. */
static void read_options(lua_State *L, MapOptions *o) {
  static const char *const known[] = {"chunksize", "timeout", "buffersize"};
  int options = lua_gettop(L);
  for (lua_pushnil(L); lua_next(L, options) != 0; lua_pop(L, 1)) {
    const char *key = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "?";
    bool is_known = false;
    for (size_t k = 0; k < sizeof known / sizeof known[0]; k++) is_known |= strcmp(key, known[k]) == 0;
    if (!is_known) luaL_error(L, "unknown option '%s' to 'map' (chunksize, timeout or buffersize)", key);
  }
  o->chunk = option_count(L, options, "chunksize");
  o->buffer = option_count(L, options, "buffersize");
  o->deadline = park_timeout_field(L, options, "map", NULL);
  lua_settop(L, options - 1);
}

int executor_map_method(lua_State *L) {
  executor_check(L, 1);
  object_check_callable(L, 2);
  luaL_checkany(L, 3);
  MapOptions o = {.deadline = CLOCK_NEVER};
  if (has_options(L)) read_options(L, &o);
  int n = lua_gettop(L) - 2;
  for (int s = 3; s <= n + 2; s++)
    if (!lua_istable(L, s)) object_check_callable(L, s);
  executor_check_open(L, 1);
  return map_start(L, 1, 2, n, &o);
}

static int map_close(lua_State *L) {
  Map *m = object_check(L, 1, &map_type);
  lua_settop(L, 1);
  m->failed = m->source_failed = false;
  m->ready = m->next = 0;
  if (lua_getiuservalue(L, 1, MAP_WINDOW) != LUA_TNIL) cancel_rest(L, m);
  progress_end(&m->progress);
  return 0;
}

static const luaL_Reg no_methods[] = {{NULL, NULL}};
static const luaL_Reg map_meta[] = {{"__close", map_close}, {"__gc", map_close}, {NULL, NULL}};
static const ObjectType map_type = {
    .name = "gilua.Map", .size = sizeof(Map), .methods = no_methods, .meta = map_meta};

void map_register(lua_State *L) { object_register(L, &map_type); }
