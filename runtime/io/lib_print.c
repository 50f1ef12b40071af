/* print: a line at a time, whatever other threads print. */
#include <lualib.h>

#include "runtime/io/lib_io.h"
#include "runtime/io/write.h"

enum { DIGITS_MAX = 20 };

/* An integer that print shows by its digits: they need no string. */
static bool is_plain_integer(lua_State *L, int i) {
  if (!lua_isinteger(L, i)) return false;
  if (!lua_getmetatable(L, i)) return true;
  lua_pop(L, 1);
  return false;
}

static bool is_writable(lua_State *L, int i) { return lua_type(L, i) == LUA_TSTRING || is_plain_integer(L, i); }

/* While other threads could print in the middle, every value becomes text before the first is written. */
static void to_text(lua_State *L, int n) {
  for (int i = 1; i <= n; i++) {
    if (is_writable(L, i)) continue;
    luaL_tolstring(L, i, NULL);
    lua_replace(L, i);
  }
}

/* The decimal digits of v, which end where `end` points. */
static char *digits(lua_Integer v, char *end) {
  lua_Unsigned rest = v < 0 ? 0 - (lua_Unsigned)v : (lua_Unsigned)v;
  do {
    *--end = (char)('0' + rest % 10);
    rest /= 10;
  } while (rest > 0);
  if (v < 0) *--end = '-';
  return end;
}

static StreamResult write_texts(lua_State *L, StreamCall *c, int first, int last) {
  StreamResult result = STREAM_OK;
  for (int i = first; i <= last && result == STREAM_OK; i++) {
    size_t n;
    char buffer[DIGITS_MAX];
    const char *text;
    if (lua_type(L, i) == LUA_TNUMBER) {
      text = digits(lua_tointeger(L, i), buffer + sizeof buffer);
      n = (size_t)(buffer + sizeof buffer - text);
    } else {
      text = lua_tolstring(L, i, &n);
    }
    if (i > 1) result = write_bytes(c, "\t", 1);
    if (result == STREAM_OK) result = write_bytes(c, text, n);
  }
  return result;
}

/* Makes and writes one value after the other, as the standard print: what came before an error in __tostring shows. */
static void write_one_by_one(lua_State *L, Stream *s, const luaL_Stream *p, int n) {
  StreamCall c;
  for (int i = 1; i <= n; i++) {
    if (!is_writable(L, i)) {
      luaL_tolstring(L, i, NULL);
      lua_replace(L, i);
    }
    stream_begin(L, &c, p, s);
    StreamResult result = write_texts(L, &c, i, i);
    stream_end(&c);
    stream_check(L, &c, result);
  }
}

static bool has_metamethods(lua_State *L, int n) {
  for (int i = 1; i <= n; i++)
    if (lua_type(L, i) != LUA_TSTRING && luaL_getmetafield(L, i, "__tostring") != LUA_TNIL) {
      lua_pop(L, 1);
      return true;
    }
  return false;
}

static int base_print(lua_State *L) {
  int n = lua_gettop(L), first = 1;
  lua_getfield(L, LUA_REGISTRYINDEX, LIB_IO_STDOUT); /* the standard print has no upvalue to keep it in */
  luaL_Stream *p = lua_touserdata(L, -1);
  Stream *s = stream_of(L, n + 1);
  StreamCall c;
  if (park_self(L)->rt->nthreads == 1 && has_metamethods(L, n)) {
    write_one_by_one(L, s, p, n);
    first = n + 1;
  } else {
    to_text(L, n);
  }
  stream_begin(L, &c, p, s);
  StreamResult result = write_texts(L, &c, first, n);
  if (result == STREAM_OK) result = write_bytes(&c, "\n", 1);
  if (result == STREAM_OK) result = write_flush(&c);
  stream_end(&c);
  stream_check(L, &c, result); /* a failure to write is not reported */
  return 0;
}

void lib_print_replace(lua_State *L) {
  lua_pushcfunction(L, base_print);
  lua_setglobal(L, "print");
}
