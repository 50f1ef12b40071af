-- C code that bound modules have as it is: what all begin with, and what those need that give bytes or text, or have callbacks.
local text = {}

text.prelude = [[
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gilua_native.h"

/* Bytes that C reads: of a string, or of a buffer that is pinned. */
typedef struct Bytes {
  void *data;
  size_t length;
  int pinned; /* the argument's index, or 0 */
} Bytes;

/* Arguments are read when nothing is allocated any more: a finalizer could free a buffer. */
static inline Bytes bytes_of_string(lua_State *L, int i) {
  Bytes b = {0};
  if (lua_type(L, i) == LUA_TSTRING) {
    b.data = (void *)lua_tolstring(L, i, &b.length);
  } else {
    gilua_Buffer buffer;
    if (luaL_testudata(L, i, "gilua.buffer") == NULL) luaL_typeerror(L, i, "string or buffer");
    gilua_buffer_check(L, i, NULL, &buffer);
    b.data = buffer.data;
    b.length = buffer.length * buffer.item_size;
    b.pinned = i;
  }
  return b;
}

static inline Bytes bytes_of_array(lua_State *L, int i, const char *type) {
  gilua_Buffer buffer;
  if (luaL_testudata(L, i, "gilua.buffer") == NULL) luaL_argerror(L, i, lua_pushfstring(L, "buffer of %s expected, got %s", type, luaL_typename(L, i)));
  gilua_buffer_check(L, i, type, &buffer);
  Bytes b = {buffer.data, buffer.length, i};
  return b;
}

static inline const char *zero_ended(lua_State *L, int i) {
  size_t length;
  const char *s = luaL_checklstring(L, i, &length);
  luaL_argcheck(L, strlen(s) == length, i, "contains zeros, which would end it in C");
  return s;
}

static inline int boolean(lua_State *L, int i) {
  luaL_checktype(L, i, LUA_TBOOLEAN);
  return lua_toboolean(L, i);
}

/* Element k of a list of n at index i. */
static inline lua_Number element(lua_State *L, int i, lua_Integer k, size_t n, int whole, lua_Integer *integer) {
  int ok;
  luaL_checktype(L, i, LUA_TTABLE);
  if (lua_rawlen(L, i) != n) luaL_argerror(L, i, lua_pushfstring(L, "must have %I elements", (LUAI_UACINT)n));
  lua_rawgeti(L, i, k);
  lua_Number number = lua_tonumberx(L, -1, &ok);
  if (ok && whole) *integer = lua_tointegerx(L, -1, &ok);
  lua_pop(L, 1);
  if (!ok) luaL_argerror(L, i, lua_pushfstring(L, "element %I is no %s", (LUAI_UACINT)k, whole ? "integer" : "number"));
  return number;
}

static inline lua_Integer in_range(lua_State *L, int i, lua_Integer n, int fits) {
  luaL_argcheck(L, fits, i, "is out of the range of its C type");
  return n;
}

/* An object of the library; it is not closed while a call without the lock uses it. */
typedef struct Handle {
  void *object;
  unsigned users;
} Handle;

static inline Handle *open_handle(lua_State *L, int i, const char *type) {
  Handle *h = (Handle *)luaL_checkudata(L, i, type);
  if (h->object == NULL) luaL_argerror(L, i, "is closed");
  return h;
}

static inline Handle *new_handle(lua_State *L, const char *type) {
  Handle *h = (Handle *)lua_newuserdatauv(L, sizeof *h, 0);
  memset(h, 0, sizeof *h);
  luaL_setmetatable(L, type);
  return h;
}
]]

text.call_lua = [[

/* A Lua function that C calls during a call. */
typedef struct Callback {
  lua_State *L;
  int function; /* its index */
  int handler;  /* that of what remembers where an error was raised, or 0 */
  int failed;   /* the error is on top of the stack; NO_ROOM: there was none for it */
} Callback;

enum { NO_ROOM = -1 };

/* gilua's message handler, where it is there; else its place is empty. */
static int push_handler(lua_State *L) {
  return lua_getfield(L, LUA_REGISTRYINDEX, "gilua.error_handler") == LUA_TFUNCTION ? lua_gettop(L) : 0;
}

/* Raises what is on top of the stack, as an error of where it came from first. */
static int raise_again(lua_State *L) {
  if (lua_getfield(L, LUA_REGISTRYINDEX, "gilua.error_pass_on") == LUA_TFUNCTION) {
    lua_pushvalue(L, -2);
    lua_call(L, 1, 0);
  }
  lua_pop(L, 1);
  return lua_error(L);
}

static void call_lua(Callback *callback, lua_CFunction run, void *args) {
  lua_State *L = callback->L;
  if (callback->failed) return;
  callback->failed = NO_ROOM;
  if (!lua_checkstack(L, LUA_MINSTACK)) return; /* no jump over C's frames */
  lua_pushcfunction(L, run);
  lua_pushvalue(L, callback->function);
  lua_pushlightuserdata(L, args);
  callback->failed = lua_pcall(L, 2, 0, callback->handler) != LUA_OK;
}
]]

text.push_piece = [[

typedef struct Piece {
  const void *data;
  size_t length;
} Piece;

static int push_piece(lua_State *L) {
  const Piece *p = (const Piece *)lua_touserdata(L, 1);
  lua_pushlstring(L, (const char *)p->data, p->length);
  return 1;
}
]]

text.push_bytes = [[

/* Pushes what C wrote, and frees it, whatever happens. */
static void push_bytes(lua_State *L, void *data, size_t length, size_t capacity) {
  Piece piece = {data, length < capacity ? length : capacity};
  lua_pushcfunction(L, push_piece);
  lua_pushlightuserdata(L, &piece);
  int status = lua_pcall(L, 1, 1, 0);
  free(data);
  if (status != LUA_OK) lua_error(L);
}
]]

text.push_text = [[

/* Pushes what C returned, and frees it. Others may write it: lua_pushlstring reads a short text twice. */
static void push_text(lua_State *L, const char *text, void (*release)(void *)) {
  char copy[256];
  if (text == NULL) {
    lua_pushnil(L);
    return;
  }
  Piece piece = {text, strlen(text)};
  if (piece.length <= sizeof copy) piece.data = memcpy(copy, text, piece.length);
  lua_pushcfunction(L, push_piece);
  lua_pushlightuserdata(L, &piece);
  int status = lua_pcall(L, 1, 1, 0);
  if (release != NULL) release((void *)text);
  if (status != LUA_OK) lua_error(L);
}
]]

return text
