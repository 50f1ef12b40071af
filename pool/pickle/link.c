/* What both ends of a channel share. */
#include "pool/pickle/link.h"

#include <lauxlib.h>
#include <string.h>

#include "pool/pickle/memory.h"

enum { KEPT_TRACKED = 1024 };

static int snapshot(lua_State *L) {
  pickle_names_snapshot(L, lua_touserdata(L, 1));
  return 0;
}

PickleLink *pickle_link_new(lua_State *L, unsigned options) {
  luaL_checkstack(L, LUA_MINSTACK, NULL);
  PickleLink *link = pickle_realloc(NULL, sizeof *link);
  if (link == NULL) luaL_error(L, "not enough memory");
  memset(link, 0, sizeof *link);
  link->options = options;
  link->known = link->ready = link->tracked_list = link->names.list = LUA_NOREF;
  lua_pushcfunction(L, snapshot);
  lua_pushlightuserdata(L, link);
  if (lua_pcall(L, 1, 0, 0) == LUA_OK) return link;
  pickle_link_free(L, link);
  lua_error(L);
  return NULL;
}

void pickle_link_free(lua_State *L, PickleLink *link) {
  if (link == NULL) return;
  names_free(L, &link->names);
  link_free_codes(L, link);
  refs_free(&link->tracked);
  luaL_unref(L, LUA_REGISTRYINDEX, link->tracked_list);
  pickle_realloc(link, 0);
}

void pickle_names_snapshot(lua_State *L, PickleLink *link) {
  names_free(L, &link->names);
  names_collect(L, &link->names, (link->options & PICKLE_LINK_SPAWN) != 0);
}

void pickle_link_become_worker(lua_State *L, PickleLink *link) {
  link->worker = true;
  link_free_codes(L, link);
}

uint64_t pickle_link_epoch(const PickleLink *link) { return link->epoch; }

void link_prepare(lua_State *L, PickleLink *link) {
  if (link->known != LUA_NOREF || link->worker) return;
  lua_newtable(L);
  lua_createtable(L, 0, 1);
  lua_pushliteral(L, "k");
  lua_setfield(L, -2, "__mode");
  lua_setmetatable(L, -2);
  link->known = luaL_ref(L, LUA_REGISTRYINDEX);
}

void link_track_begin(lua_State *L, PickleLink *link) {
  refs_reset(&link->tracked, KEPT_TRACKED);
  luaL_unref(L, LUA_REGISTRYINDEX, link->tracked_list);
  link->tracked_list = LUA_NOREF;
}

void link_track(lua_State *L, PickleLink *link, int i) {
  i = lua_absindex(L, i);
  if (link->tracked_list == LUA_NOREF) {
    lua_newtable(L);
    link->tracked_list = luaL_ref(L, LUA_REGISTRYINDEX);
  }
  if (refs_find(&link->tracked, lua_topointer(L, i)) != NULL) return;
  size_t number = (size_t)link->tracked.count + 1;
  lua_rawgeti(L, LUA_REGISTRYINDEX, link->tracked_list);
  lua_pushvalue(L, i);
  lua_rawseti(L, -2, (lua_Integer)number);
  lua_pop(L, 1);
  bool added;
  if (refs_add(&link->tracked, lua_topointer(L, i), number, &added) == NULL) luaL_error(L, "not enough memory");
}

size_t link_tracked(const PickleLink *link, const void *address) {
  const Ref *ref = refs_find(&link->tracked, address);
  return ref != NULL ? ref->value : 0;
}
