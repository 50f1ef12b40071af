/* Error objects. What a thread remembers of its newest error is in error_memory.c. */
#include "runtime/state/error.h"

#include <lauxlib.h>
#include <stdarg.h>
#include <string.h>


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

static int text_of(lua_State *L) {
  luaL_tolstring(L, 1, NULL);
  return 1;
}

const char *error_push_text(lua_State *L, int i) {
  i = lua_absindex(L, i);
  luaL_checkstack(L, 3, NULL);
  lua_pushcfunction(L, text_of);
  lua_pushvalue(L, i);
  if (lua_pcall(L, 1, 1, 0) == LUA_OK) return lua_tostring(L, -1);
  const char *why = lua_tostring(L, -1), *type = luaL_typename(L, i);
  if (why != NULL) lua_pushfstring(L, "(error object is a %s value; its __tostring: %s)", type, why);
  else lua_pushfstring(L, "(error object is a %s value)", type);
  lua_remove(L, -2);
  return lua_tostring(L, -1);
}

/* (error) */
static int pass_on(lua_State *L) {
  lua_settop(L, 1);
  return error_pass_on(L, LUA_ERRRUN);
}

void error_open(lua_State *L) {
  lua_pushcfunction(L, error_traceback_handler);
  lua_setfield(L, LUA_REGISTRYINDEX, ERROR_HANDLER);
  lua_pushcfunction(L, pass_on);
  lua_setfield(L, LUA_REGISTRYINDEX, ERROR_PASS_ON);
  if (luaL_newmetatable(L, ERROR_META)) {
    lua_pushcfunction(L, error_tostring);
    lua_setfield(L, -2, "__tostring");
  }
  lua_pop(L, 1);
}

void error_push_metatable(lua_State *L) { luaL_getmetatable(L, ERROR_META); }
