/* A Local is an empty table whose metamethods lead to the calling thread's contents. These hang off the thread state, in
 * a table {Local -> contents} with weak keys, so that they go with the thread or with the Local, whichever ends first.
 */
#include "runtime/thread/local.h"

#include <lauxlib.h>

#include "runtime/state/object.h"
#include "runtime/state/weak.h"
#include "runtime/sync/park.h"

/* Pushes the calling thread's {Local -> contents}. */
static void push_all(lua_State *L, Tstate *ts) {
  if (ts->locals_ref == LUA_NOREF) {
    weak_new(L, "k");
    if (ts->locals_ref == LUA_NOREF) ts->locals_ref = luaL_ref(L, LUA_REGISTRYINDEX);
    else lua_pop(L, 1); /* a finalizer made it meanwhile */
  }
  lua_rawgeti(L, LUA_REGISTRYINDEX, ts->locals_ref);
}

/* Pushes what the table at index all has for the Local at index 1; false and nil if it has nothing. */
static bool push_found(lua_State *L, int all) {
  lua_pushvalue(L, 1);
  return lua_rawget(L, all) == LUA_TTABLE;
}

/* Pushes the contents of the Local at index 1 in the calling thread. */
static void push_contents(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  push_all(L, park_self(L));
  int all = lua_gettop(L);
  if (!push_found(L, all)) {
    lua_newtable(L);
    if (!push_found(L, all)) { /* nor did a finalizer make it meanwhile */
      lua_pop(L, 1);
      lua_pushvalue(L, 1);
      lua_pushvalue(L, -2);
      lua_rawset(L, all);
    }
    lua_replace(L, all + 1);
    lua_settop(L, all + 1);
  }
  lua_remove(L, all);
}

static int local_index(lua_State *L) {
  push_contents(L);
  lua_pushvalue(L, 2);
  lua_rawget(L, -2);
  return 1;
}

static int local_newindex(lua_State *L) {
  lua_settop(L, 3);
  if (lua_isnil(L, 2)) return luaL_error(L, "table index is nil");
  if (lua_type(L, 2) == LUA_TNUMBER && lua_tonumber(L, 2) != lua_tonumber(L, 2))
    return luaL_error(L, "table index is NaN");
  push_contents(L);
  lua_replace(L, 1);
  lua_rawset(L, 1);
  return 0;
}

static int local_next(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE); /* scripts may call it themselves */
  lua_settop(L, 2);
  if (lua_next(L, 1)) return 2;
  lua_pushnil(L);
  return 1;
}

static int local_pairs(lua_State *L) {
  lua_pushcfunction(L, local_next);
  push_contents(L);
  lua_pushnil(L);
  return 3;
}

static int local_len(lua_State *L) {
  push_contents(L);
  lua_pushinteger(L, (lua_Integer)lua_rawlen(L, -1));
  return 1;
}

/* The contents are what a Local's fields are. */
static int local_fields(lua_State *L) {
  push_contents(L);
  return 1;
}

int local_new(lua_State *L) {
  static const luaL_Reg meta[] = {{"__index", local_index},
                                  {"__len", local_len},
                                  {"__newindex", local_newindex},
                                  {"__pairs", local_pairs},
                                  {OBJECT_FIELDS, local_fields},
                                  {NULL, NULL}};
  object_check_last(L, 0);
  lua_settop(L, 0);
  lua_newtable(L);
  if (luaL_newmetatable(L, "gilua.Local")) luaL_setfuncs(L, meta, 0);
  lua_setmetatable(L, 1);
  return 1;
}
