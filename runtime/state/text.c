/* Strings of Lua as strings of C. */
#include "runtime/state/text.h"

#include <lauxlib.h>
#include <string.h>

const char *text_check(lua_State *L, int i) {
  size_t n;
  const char *text = luaL_checklstring(L, i, &n);
  luaL_argcheck(L, strlen(text) == n, i, "must not have a zero byte in it");
  return text;
}

const char *text_opt(lua_State *L, int i) { return lua_isnoneornil(L, i) ? NULL : text_check(L, i); }

const char *text_whole(lua_State *L, int i) {
  size_t n;
  if (lua_type(L, i) != LUA_TSTRING) return NULL;
  const char *text = lua_tolstring(L, i, &n);
  return strlen(text) == n ? text : NULL;
}

bool text_is(lua_State *L, int i, const char *word) {
  const char *text = text_whole(L, i);
  return text != NULL && strcmp(text, word) == 0;
}
