/* Error objects and the tracebacks of errors. */
#include "runtime/thread/error.h"

#include <lauxlib.h>
#include <stdarg.h>
#include <string.h>

#include "runtime/thread/tstate.h"

#define ERROR_META "gilua.Error"

static void finish_object(lua_State *L, const char *kind) {
  lua_createtable(L, 0, 4);
  lua_insert(L, -2);
  lua_setfield(L, -2, "message");
  lua_pushstring(L, kind);
  lua_setfield(L, -2, "kind");
  luaL_setmetatable(L, ERROR_META);
}

void error_push_value(lua_State *L, const char *kind) {
  luaL_checkstack(L, 4, NULL);
  finish_object(L, kind);
}

static void push_formatted(lua_State *L, const char *kind, const char *format, va_list args) {
  luaL_checkstack(L, 6, NULL);
  lua_pushvfstring(L, format, args);
  finish_object(L, kind);
}

void error_push(lua_State *L, const char *kind, const char *format, ...) {
  va_list args;
  va_start(args, format);
  push_formatted(L, kind, format, args);
  va_end(args);
}

int error_raise(lua_State *L, const char *kind, const char *format, ...) {
  va_list args;
  va_start(args, format);
  push_formatted(L, kind, format, args);
  va_end(args);
  return lua_error(L);
}

int error_raise_state(lua_State *L, const char *state, const char *format, ...) {
  va_list args;
  va_start(args, format);
  push_formatted(L, ERROR_INVALID_STATE, format, args);
  va_end(args);
  lua_pushstring(L, state);
  lua_setfield(L, -2, "state");
  return lua_error(L);
}

int error_is(lua_State *L, int i, const char *kind) {
  i = lua_absindex(L, i);
  if (!lua_istable(L, i) || !lua_getmetatable(L, i)) return 0;
  luaL_getmetatable(L, ERROR_META);
  int is = lua_rawequal(L, -1, -2);
  lua_pop(L, 2);
  if (!is || kind == NULL) return is;
  lua_getfield(L, i, "kind");
  const char *has = lua_tostring(L, -1);
  is = has != NULL && strcmp(has, kind) == 0;
  lua_pop(L, 1);
  return is;
}

/* The members of Tstate.error_ref. REMOTE: the value comes from elsewhere and is about to be raised here. */
enum { KEPT_VALUE = 1, KEPT_TRACEBACK, KEPT_REMOTE };

/* Remembers {value at i, traceback on top} for the calling thread; pops the traceback. */
static void remember(lua_State *L, Tstate *ts, int i, bool remote) {
  if (ts->error_ref == LUA_NOREF) {
    lua_createtable(L, 3, 0);
    lua_pushvalue(L, -1);
    ts->error_ref = luaL_ref(L, LUA_REGISTRYINDEX);
  } else {
    lua_rawgeti(L, LUA_REGISTRYINDEX, ts->error_ref);
  }
  lua_insert(L, -2);
  lua_rawseti(L, -2, KEPT_TRACEBACK);
  lua_pushvalue(L, i);
  lua_rawseti(L, -2, KEPT_VALUE);
  lua_pushboolean(L, remote);
  lua_rawseti(L, -2, KEPT_REMOTE);
  lua_pop(L, 1);
}

void error_remember_traceback(lua_State *L, int i) {
  i = lua_absindex(L, i);
  luaL_checkstack(L, 4, NULL);
  Tstate *ts = tstate_self();
  if (ts == NULL || lua_isnil(L, -1) || error_is(L, i, NULL)) lua_pop(L, 1);
  else remember(L, ts, i, true);
}

void error_take_remote(lua_State *L, int i) {
  i = lua_absindex(L, i);
  luaL_checkstack(L, 4, NULL);
  Tstate *ts = tstate_self();
  lua_pushnil(L);
  if (ts == NULL || ts->error_ref == LUA_NOREF) return;
  lua_rawgeti(L, LUA_REGISTRYINDEX, ts->error_ref);
  lua_rawgeti(L, -1, KEPT_VALUE);
  lua_rawgeti(L, -2, KEPT_REMOTE);
  if (lua_toboolean(L, -1) && lua_rawequal(L, -2, i)) {
    lua_rawgeti(L, -3, KEPT_TRACEBACK);
    lua_replace(L, -5);
    lua_pushboolean(L, 0);
    lua_rawseti(L, -4, KEPT_REMOTE);
  }
  lua_pop(L, 3);
}

/* Pushes the traceback of where L is, below that of where the value at 1 was raised first. */
static void push_whole_traceback(lua_State *L) {
  error_take_remote(L, 1);
  luaL_traceback(L, L, NULL, 1);
  if (lua_isnil(L, -2)) return;
  lua_pushfstring(L, "%s\nraised again by who asked for the result:\n%s", lua_tostring(L, -2), lua_tostring(L, -1));
}

int error_traceback_handler(lua_State *L) {
  lua_settop(L, 1);
  if (!lua_checkstack(L, 12)) return 1;
  if (error_is(L, 1, NULL)) {
    if (lua_getfield(L, 1, "traceback") == LUA_TNIL) {
      luaL_traceback(L, L, NULL, 1);
      lua_setfield(L, 1, "traceback");
    }
  } else {
    Tstate *ts = tstate_self();
    if (ts != NULL) {
      push_whole_traceback(L);
      remember(L, ts, 1, false);
    }
  }
  lua_settop(L, 1);
  return 1;
}

void error_push_traceback(lua_State *L, int i) {
  i = lua_absindex(L, i);
  if (error_is(L, i, NULL)) {
    lua_getfield(L, i, "traceback");
    return;
  }
  Tstate *ts = tstate_self();
  if (ts == NULL || ts->error_ref == LUA_NOREF) {
    lua_pushnil(L);
    return;
  }
  lua_rawgeti(L, LUA_REGISTRYINDEX, ts->error_ref);
  lua_rawgeti(L, -1, KEPT_VALUE);
  int same = lua_rawequal(L, -1, i);
  lua_pop(L, 1);
  if (same) lua_rawgeti(L, -1, KEPT_TRACEBACK);
  else lua_pushnil(L);
  lua_remove(L, -2);
}

/* tostring(e): "kind: message", and the traceback if there is one */
static int error_tostring(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  lua_getfield(L, 1, "kind");
  lua_getfield(L, 1, "message");
  lua_getfield(L, 1, "traceback");
  const char *kind = luaL_tolstring(L, 2, NULL), *message = luaL_tolstring(L, 3, NULL);
  if (lua_type(L, 4) == LUA_TSTRING) lua_pushfstring(L, "%s: %s\n%s", kind, message, lua_tostring(L, 4));
  else lua_pushfstring(L, "%s: %s", kind, message);
  return 1;
}

void error_open(lua_State *L) {
  if (luaL_newmetatable(L, ERROR_META)) {
    lua_pushcfunction(L, error_tostring);
    lua_setfield(L, -2, "__tostring");
  }
  lua_pop(L, 1);
}

void error_push_metatable(lua_State *L) { luaL_getmetatable(L, ERROR_META); }
