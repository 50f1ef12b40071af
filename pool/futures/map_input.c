/* Reading the sources of a map. */
#include "pool/futures/map_input.h"

#include "pool/futures/backend.h"
#include "pool/futures/group.h"
#include "runtime/state/error.h"

/* Where the next value that is read goes in the batch. */
static lua_Integer place(const Map *m) {
  return (lua_Integer)m->held * m->nsources + m->part + 1;
}

/* The next call's arguments are all in the batch. */
static void end_call(Map *m) {
  m->part = 0;
  m->held++;
  m->index++;
}

/* Reads what is in the tables themselves, which calls nothing, into the batch on top of the stack; true: a whole call. */
static bool read_lists(lua_State *L, Map *m) {
  int batch = lua_gettop(L);
  lua_getiuservalue(L, 1, MAP_SOURCES);
  while (m->part < m->nsources) {
    lua_rawgeti(L, batch + 1, m->part + 1);
    if (!lua_istable(L, -1) || lua_rawgeti(L, -1, m->index + 1) == LUA_TNIL) break;
    lua_rawseti(L, batch, place(m));
    lua_pop(L, 1);
    m->part++;
  }
  lua_settop(L, batch);
  if (m->part < m->nsources) return false;
  end_call(m);
  return true;
}

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
    lua_rawseti(L, 2, place(m));
    m->part++;
  }
  end_call(m);
  lua_pushboolean(L, true);
  return 1;
}

/* Reads one call into the batch on top of the stack. False: the sources have ended, or one has raised. */
static bool read_one(lua_State *L, Map *m) {
  if (read_lists(L, m)) return true;
  int batch = lua_gettop(L);
  lua_pushcfunction(L, read_call);
  lua_pushvalue(L, 1);
  lua_pushvalue(L, batch);
  CallResult result = call_user(L, 2, 1);
  if (result == CALL_REQUESTED) lua_error(L);
  if (result == CALL_FAILED) {
    m->source_failed = true;
    lua_setiuservalue(L, 1, MAP_SOURCE_TRACEBACK);
    lua_setiuservalue(L, 1, MAP_SOURCE_ERROR);
  }
  bool got = result == CALL_OK && lua_toboolean(L, -1);
  lua_settop(L, batch);
  if (!got) m->ended = true;
  return got;
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

/* What was raised, with its traceback on top of the stack, becomes a future that has failed. */
static void push_failed(lua_State *L) {
  int error = lua_gettop(L) - 1;
  future_new(L, NULL, NULL, 0);
  lua_insert(L, error);
  future_set_error(L, error);
}

/* (executor, f, args…): raises what submitting raises; returns the future */
static int submit_protected(lua_State *L) {
  executor_submit(L, 1, lua_gettop(L) - 2);
  return 1;
}

/* Pushes the future of the call whose arguments are in the batch on top of the stack. A task that cannot be submitted
 * becomes a future that has failed. */
static void submit_call(lua_State *L, const Map *m) {
  int batch = lua_gettop(L), n = m->nsources;
  luaL_checkstack(L, n + 12, "too many lists");
  lua_pushcfunction(L, submit_protected);
  lua_getiuservalue(L, 1, MAP_EXECUTOR);
  lua_getiuservalue(L, 1, MAP_FUNCTION);
  for (int k = 1; k <= n; k++) lua_rawgeti(L, batch, k);
  CallResult result = call_user(L, n + 2, 1);
  if (result == CALL_REQUESTED) lua_error(L);
  if (result == CALL_FAILED) push_failed(L);
}

/* Pushes the future of the first calls that are left of the batch on top of the stack; returns how many they are. */
static int submit_chunk(lua_State *L, Map *m) {
  lua_getiuservalue(L, 1, MAP_EXECUTOR);
  lua_getiuservalue(L, 1, MAP_FUNCTION);
  lua_pushvalue(L, -3);
  m->split.chunk = (Chunk){.count = m->held, .arity = m->nsources, .goes_on = m->persistent};
  int n = split_submit(L, -3, &m->split);
  if (n > 0) return n;
  push_failed(L);
  return m->held;
}

/* Submits calls of the batch on top of the stack and keeps the future; whether the batch is used up. */
static bool submit(lua_State *L, Map *m) {
  int n = 1;
  if (m->chunked) n = submit_chunk(L, m);
  else submit_call(L, m);
  ((Future *)lua_touserdata(L, -1))->abandoned = true;
  m->held -= n;
  keep(L, m, n);
  return m->held == 0;
}

/* Pushes the batch, a new one if there is none. */
static void push_batch(lua_State *L, const Map *m, int most) {
  if (lua_getiuservalue(L, 1, MAP_BATCH) != LUA_TNIL) return;
  lua_createtable(L, most * m->nsources, 0);
  lua_replace(L, -2);
  lua_pushvalue(L, -1);
  lua_setiuservalue(L, 1, MAP_BATCH);
}

void map_fill(lua_State *L, Map *m) {
  int top = lua_gettop(L);
  luaL_checkstack(L, 16, NULL);
  while ((!m->ended || m->held > 0) && m->tasks < m->window && m->calls < m->buffer) {
    int most = m->chunk;
    if (most > m->buffer - m->calls) most = (int)(m->buffer - m->calls);
    push_batch(L, m, most);
    while (m->split.done == 0 && m->held < most && !m->ended && read_one(L, m)) continue;
    if (m->held > 0 && submit(L, m) && m->chunked) {
      m->split = (Split){0};
      lua_pushnil(L);
      lua_setiuservalue(L, 1, MAP_BATCH);
    }
    lua_settop(L, top);
  }
}

void map_cancel_rest(lua_State *L, Map *m) {
  int top = lua_gettop(L);
  luaL_checkstack(L, 8, NULL);
  m->ended = true;
  m->held = m->part = 0;
  lua_getiuservalue(L, 1, MAP_WINDOW);
  if (m->unordered) lua_getiuservalue(L, -1, GROUP_FUTURES);
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

void map_close_source(lua_State *L) {
  if (lua_getiuservalue(L, 1, MAP_CLOSING) != LUA_TNIL) {
    lua_pushnil(L);
    lua_setiuservalue(L, 1, MAP_CLOSING);
    lua_toclose(L, -1);
  }
  lua_pop(L, 1);
}
