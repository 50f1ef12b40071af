/* Which modules the other end of a link can be asked for: a table name -> state, with its paths at 1 and 2, at 3 what each
 * module was when it was looked for first, at 4 the name "@file" of the chunk that it comes from, if that is a file of Lua.
 *
 *   true   it was loaded at the fork: what it has got since is not there
 *   false  it can be required: by a loader that was there, or a file
 *   0      it cannot: who made it put it into package.loaded, or changed the path
 *   nil    not looked for so far
 */
#include "pool/pickle/modules.h"

#include <lauxlib.h>
#include <lualib.h>
#include <string.h>
#include <unistd.h>

enum { LUA_PATHS = 1, C_PATHS, FIRST, CHUNKS };

static const char *const paths[] = {"path", "cpath"};

void modules_push_loaded(lua_State *L) {
  if (lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE) == LUA_TTABLE) return;
  lua_pop(L, 1);
  lua_newtable(L);
}

/* Pushes package.loaded and the table package, or an empty one. */
static void push_package(lua_State *L) {
  modules_push_loaded(L);
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
  for (int i = FIRST; i <= CHUNKS; i++) {
    lua_newtable(L);
    lua_rawseti(L, states, i);
  }
  lua_pushliteral(L, "preload");
  if (lua_rawget(L, states + 2) == LUA_TTABLE) note(L, states, false, !forked); /* loaders in Lua are this program's */
  lua_settop(L, states + 1);
  if (forked) note(L, states, true, false);
  lua_settop(L, states);
}

/* Whether a file of that name stands in the path at index i of the states; pushes "@" and its path, or nil. */
static bool push_file(lua_State *L, int states, int i, const char *name) {
  int top = lua_gettop(L);
  bool found = false;
  lua_pushnil(L);
  if (lua_rawgeti(L, states, i) == LUA_TSTRING) {
    const char *file = luaL_gsub(L, name, ".", LUA_DIRSEP);
    const char *p = luaL_gsub(L, lua_tostring(L, top + 2), LUA_PATH_MARK, file), *end;
    for (; !found && *p != '\0'; p = *end == '\0' ? end : end + 1) {
      end = strchr(p, *LUA_PATH_SEP);
      if (end == NULL) end = p + strlen(p);
      lua_pushliteral(L, "@");
      lua_pushlstring(L, p, (size_t)(end - p));
      lua_concat(L, 2);
      found = access(lua_tostring(L, -1) + 1, R_OK) == 0;
      if (found) lua_replace(L, top + 1);
      else lua_pop(L, 1);
    }
  }
  lua_settop(L, top + 1);
  return found;
}

static bool is_file(lua_State *L, int states, int i, const char *name) {
  bool found = push_file(L, states, i, name);
  lua_pop(L, 1);
  return found;
}

/* (name, value): states[i][name] = value, which is popped. */
static void set_part(lua_State *L, int states, int i, int name) {
  lua_rawgeti(L, states, i);
  lua_pushvalue(L, name);
  lua_pushvalue(L, -3);
  lua_rawset(L, -3);
  lua_pop(L, 2);
}

/* Whether the module whose name stands at that index, its value above it, is the one that was looked for first. The other end
 * keeps that when it is loaded anew here. */
static bool is_first(lua_State *L, int states, int name) {
  lua_rawgeti(L, states, FIRST);
  lua_pushvalue(L, name);
  lua_rawget(L, -2);
  bool same = lua_isnil(L, -1) || lua_rawequal(L, -1, name + 1);
  lua_pop(L, 2);
  return same;
}

static bool set_state(lua_State *L, int states, int name, bool can) {
  lua_pushvalue(L, name);
  if (can) lua_pushboolean(L, 0);
  else lua_pushinteger(L, 0);
  lua_rawset(L, states);
  return can;
}

bool modules_have(lua_State *L, int states, int name) {
  lua_pushvalue(L, name);
  int type = lua_rawget(L, states);
  bool can = type != LUA_TNIL && !lua_toboolean(L, -1);
  lua_pop(L, 1);
  if (can && !is_first(L, states, name)) return set_state(L, states, name, false);
  if (type != LUA_TNIL) return can;
  const char *module = lua_tostring(L, name), *dot = strchr(module, '.');
  can = push_file(L, states, LUA_PATHS, module);
  set_part(L, states, CHUNKS, name);
  can = can || is_file(L, states, C_PATHS, module);
  if (!can && dot != NULL) { /* a C library may hold modules within its own */
    lua_pushlstring(L, module, (size_t)(dot - module));
    can = is_file(L, states, C_PATHS, lua_tostring(L, -1));
    lua_pop(L, 1);
  }
  lua_pushvalue(L, name + 1);
  set_part(L, states, FIRST, name);
  return set_state(L, states, name, can);
}

bool modules_made(lua_State *L, int states, int name, int function) {
  lua_Debug ar;
  int top = lua_gettop(L);
  lua_rawgeti(L, states, CHUNKS);
  lua_pushvalue(L, name);
  bool made = lua_rawget(L, top + 1) == LUA_TNIL;
  lua_pushvalue(L, function);
  lua_getinfo(L, ">S", &ar);
  lua_settop(L, top + 1);
  lua_pushnil(L);
  while (!made && lua_next(L, top + 1)) {
    made = strcmp(lua_tostring(L, -1), ar.source) == 0;
    lua_pop(L, 1);
  }
  lua_settop(L, top);
  return made;
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
