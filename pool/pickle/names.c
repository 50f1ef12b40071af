/* Names of modules, classes and functions. */
#include "pool/pickle/names.h"

#include <lauxlib.h>
#include <string.h>

/* Where things stand on the stack while names are collected. */
typedef struct Collector {
  lua_State *L;
  Names *names;
  int loaded, list;
  lua_Integer count; /* of strings in the list */
} Collector;

void names_push_loaded(lua_State *L) {
  if (lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE) == LUA_TTABLE) return;
  lua_pop(L, 1);
  lua_newtable(L);
}

static bool can_have_name(int type) { return type == LUA_TTABLE || type == LUA_TFUNCTION || type == LUA_TUSERDATA; }

/* Names the value on top: m at index module, k at index key (0: none). */
static void add(Collector *c, int module, int key) {
  lua_State *L = c->L;
  bool added;
  if (refs_add(&c->names->map, lua_topointer(L, -1), (size_t)c->count + 1, &added) == NULL)
    luaL_error(L, "not enough memory");
  if (!added) return;
  lua_pushvalue(L, module);
  lua_rawseti(L, c->list, ++c->count);
  if (key != 0) lua_pushvalue(L, key);
  else lua_pushboolean(L, 0);
  lua_rawseti(L, c->list, ++c->count);
}

static void collect_modules(Collector *c) {
  lua_State *L = c->L;
  lua_pushnil(L);
  while (lua_next(L, c->loaded)) {
    if (lua_type(L, -2) == LUA_TSTRING && can_have_name(lua_type(L, -1))) add(c, lua_gettop(L) - 1, 0);
    lua_pop(L, 1);
  }
}

/* Fields of the module on top, whose name is below it. */
static void collect_fields(Collector *c, bool only_c) {
  lua_State *L = c->L;
  int module = lua_gettop(L) - 1;
  lua_pushnil(L);
  while (lua_next(L, module + 1)) {
    int type = lua_type(L, -1);
    bool fits = can_have_name(type) && (!only_c || type == LUA_TUSERDATA || lua_iscfunction(L, -1));
    if (lua_type(L, -2) == LUA_TSTRING && fits) add(c, module, module + 2);
    lua_pop(L, 1);
  }
}

static void collect_globals(Collector *c, bool only_c) {
  lua_pushliteral(c->L, LUA_GNAME);
  lua_rawgeti(c->L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
  collect_fields(c, only_c);
  lua_pop(c->L, 2);
}

void names_collect(lua_State *L, Names *n, bool modules_only) {
  luaL_checkstack(L, 12, NULL);
  *n = (Names){.list = LUA_NOREF};
  int top = lua_gettop(L);
  Collector c = {.L = L, .names = n, .loaded = top + 1, .list = top + 2};
  names_push_loaded(L);
  lua_newtable(L);
  lua_pushvalue(L, c.list);
  n->list = luaL_ref(L, LUA_REGISTRYINDEX);
  lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
  const void *globals = lua_topointer(L, -1);
  lua_pop(L, 1);
  collect_modules(&c);
  lua_pushnil(L);
  while (lua_next(L, c.loaded)) {
    if (lua_type(L, -2) == LUA_TSTRING && lua_type(L, -1) == LUA_TTABLE && lua_topointer(L, -1) != globals)
      collect_fields(&c, false);
    lua_pop(L, 1);
  }
  collect_globals(&c, modules_only); /* last: a name in a module is the better one */
  lua_settop(L, top);
}

void names_free(lua_State *L, Names *n) {
  refs_free(&n->map);
  if (n->list != 0) luaL_unref(L, LUA_REGISTRYINDEX, n->list);
  n->list = LUA_NOREF;
}

/* Replaces the module's name on top by the module; "_G" is the globals wherever they stand. */
static void look_up_module(lua_State *L, int loaded) {
  lua_pushvalue(L, -1);
  if (lua_rawget(L, loaded) == LUA_TNIL && strcmp(lua_tostring(L, -2), LUA_GNAME) == 0) {
    lua_pop(L, 1);
    lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
  }
  lua_remove(L, -2);
}

bool names_push_if_valid(lua_State *L, const Names *n, int i, int loaded) {
  const Ref *ref = refs_find(&n->map, lua_topointer(L, i));
  if (ref == NULL) return false;
  int top = lua_gettop(L);
  lua_rawgeti(L, LUA_REGISTRYINDEX, n->list);
  lua_rawgeti(L, top + 1, (lua_Integer)ref->value);
  look_up_module(L, loaded);
  bool is_module = lua_rawgeti(L, top + 1, (lua_Integer)ref->value + 1) != LUA_TSTRING;
  bool valid = is_module || lua_istable(L, top + 2);
  if (valid && !is_module) lua_rawget(L, top + 2);
  valid = valid && lua_rawequal(L, is_module ? top + 2 : top + 3, i);
  if (valid) {
    lua_rawgeti(L, top + 1, (lua_Integer)ref->value);
    lua_rawgeti(L, top + 1, (lua_Integer)ref->value + 1);
    lua_replace(L, top + 2);
    lua_replace(L, top + 1);
    if (is_module) {
      lua_pushnil(L);
      lua_replace(L, top + 2);
    }
  }
  lua_settop(L, valid ? top + 2 : top);
  return valid;
}
