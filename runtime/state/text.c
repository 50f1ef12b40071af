/* Strings of Lua as strings of C. */
#include "runtime/state/text.h"

#include <lauxlib.h>
#include <string.h>

#include "runtime/os/utf8.h"

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

const char *text_push_shown(lua_State *L, int i) {
  i = lua_absindex(L, i);
  luaL_checkstack(L, 4, NULL);
  const char *text = lua_tostring(L, i);
  luaL_Buffer b;
  luaL_buffinit(L, &b);
  while (*text != '\0') {
    size_t n;
    const char *shown = utf8_shown(&text, &n);
    luaL_addlstring(&b, shown, n);
  }
  luaL_pushresult(&b);
  return lua_tostring(L, -1);
}

bool text_is(lua_State *L, int i, const char *word) {
  const char *text = text_whole(L, i);
  return text != NULL && strcmp(text, word) == 0;
}
