/* Which modules the other end of a link can be asked for: a table name -> state, with its paths at 1 and 2.
 *
 *   true   it was loaded at the fork: what it has got since is not there
 *   false  it can be required: by a loader that was there, or a file
 *   0      it cannot: who made it put it into package.loaded, or changed the path
 *   nil    not looked for so far
 */
#include <lauxlib.h>
#include <lualib.h>
#include <string.h>
#include <unistd.h>

#include "pool/pickle/names.h"

static const char *const paths[] = {"path", "cpath"};

/* Pushes package.loaded and the table package, or an empty one. */
static void push_package(lua_State *L) {
  names_push_loaded(L);
  lua_pushliteral(L, LUA_LOADLIBNAME);
  if (lua_rawget(L, -2) == LUA_TTABLE) return;
  lua_pop(L, 1);
  lua_newtable(L);
}

/* For the keys of the table on top, which it pops: states[key] = value. */
static void note(lua_State *L, int states, bool value, bool only_c) {
  lua_pushnil(L);
  while (lua_next(L, -2)) {
    bool fits = lua_type(L, -2) == LUA_TSTRING && (!only_c || lua_iscfunction(L, -1));
    lua_pop(L, 1);
    if (!fits) continue;
    lua_pushvalue(L, -1);
    lua_pushboolean(L, value);
    lua_rawset(L, states);
  }
  lua_pop(L, 1);
}

void modules_push(lua_State *L, bool forked) {
  luaL_checkstack(L, 8, NULL);
  lua_newtable(L);
  int states = lua_gettop(L);
  push_package(L);
  for (int i = 0; i < 2; i++) {
    lua_pushstring(L, paths[i]);
    lua_rawget(L, states + 2);
    lua_rawseti(L, states, i + 1);
  }
  lua_pushliteral(L, "preload");
  if (lua_rawget(L, states + 2) == LUA_TTABLE) note(L, states, false, !forked); /* loaders in Lua are this program's */
  lua_settop(L, states + 1);
  if (forked) note(L, states, true, false);
  lua_settop(L, states);
}

/* Whether a file of that name stands in the path at index i of the states. */
static bool is_file(lua_State *L, int states, int i, const char *name) {
  int top = lua_gettop(L);
  bool found = false;
  if (lua_rawgeti(L, states, i) == LUA_TSTRING) {
    const char *file = luaL_gsub(L, name, ".", LUA_DIRSEP);
    const char *p = luaL_gsub(L, lua_tostring(L, top + 1), LUA_PATH_MARK, file), *end;
    for (; !found && *p != '\0'; p = *end == '\0' ? end : end + 1) {
      end = strchr(p, *LUA_PATH_SEP);
      if (end == NULL) end = p + strlen(p);
      lua_pushlstring(L, p, (size_t)(end - p));
      found = access(lua_tostring(L, -1), R_OK) == 0;
      lua_pop(L, 1);
    }
  }
  lua_settop(L, top);
  return found;
}

bool modules_have(lua_State *L, int states, int name) {
  lua_pushvalue(L, name);
  int type = lua_rawget(L, states);
  bool can = type != LUA_TNIL && !lua_toboolean(L, -1);
  lua_pop(L, 1);
  if (type != LUA_TNIL) return can;
  const char *module = lua_tostring(L, name), *dot = strchr(module, '.');
  can = is_file(L, states, 1, module) || is_file(L, states, 2, module);
  if (!can && dot != NULL) { /* a C library may hold modules within its own */
    lua_pushlstring(L, module, (size_t)(dot - module));
    can = is_file(L, states, 2, lua_tostring(L, -1));
    lua_pop(L, 1);
  }
  lua_pushvalue(L, name);
  if (can) lua_pushboolean(L, 0);
  else lua_pushinteger(L, 0);
  lua_rawset(L, states);
  return can;
}

bool modules_have_more(lua_State *L, int states, int loaded) {
  bool more = false;
  lua_pushnil(L);
  while (!more && lua_next(L, loaded)) {
    lua_pop(L, 1);
    lua_pushvalue(L, -1);
    lua_rawget(L, states);
    more = !lua_toboolean(L, -1);
    lua_pop(L, 1);
  }
  if (more) lua_pop(L, 1);
  return more;
}
