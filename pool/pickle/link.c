/* What both ends of a channel share. */
#include "pool/pickle/link.h"

#include <lauxlib.h>
#include <string.h>

#include "pool/pickle/memory.h"
#include "pool/pickle/modules.h"
#include "runtime/state/weak.h"

enum { KEPT_TRACKED = 1024, LEVEL_BITS = 2 };

static void unref(lua_State *L, int *ref) {
  luaL_unref(L, LUA_REGISTRYINDEX, *ref);
  *ref = LUA_NOREF;
}

PickleLink *pickle_link_new(lua_State *L, unsigned options) {
  PickleLink *link = pickle_realloc(NULL, sizeof *link);
  if (link == NULL) luaL_error(L, "not enough memory");
  memset(link, 0, sizeof *link);
  link->spawn = (options & PICKLE_LINK_SPAWN) != 0;
  link->objects = link->modules = link->written = link->ready = link->tracked_list = link->names.keys = LUA_NOREF;
  return link;
}

void pickle_link_free(lua_State *L, PickleLink *link) {
  if (link == NULL) return;
  names_free(L, &link->names);
  link_free_codes(L, link);
  refs_free(&link->known);
  refs_free(&link->tracked);
  marks_free(&link->marks);
  unref(L, &link->objects);
  unref(L, &link->modules);
  unref(L, &link->tracked_list);
  pickle_realloc(link, 0);
}

/* Gives the object on top the next number, unless it has one. objects: index of the list. */
static void share(lua_State *L, PickleLink *link, int objects, unsigned level) {
  bool added;
  unsigned before;
  if (link_known(L, link, lua_gettop(L), &before) != 0) return;
  lua_Integer number = link->nknown + 1;
  size_t value = (size_t)number << LEVEL_BITS | level;
  lua_pushvalue(L, -1);
  lua_rawseti(L, objects, number);
  Ref *ref = refs_add(&link->known, lua_topointer(L, -1), value, &added);
  if (ref == NULL) luaL_error(L, "not enough memory");
  ref->value = value; /* the address was another object's, which is gone */
  link->nknown = number;
}

/* Numbers are never given anew: a message that was written before this fork is read by a worker that is born of it. */
static void share_all(lua_State *L, PickleLink *link) {
  int top = lua_gettop(L);
  if (link->objects == LUA_NOREF) {
    weak_new(L, "v");
    link->objects = luaL_ref(L, LUA_REGISTRYINDEX);
  }
  lua_newtable(L);
  lua_rawgeti(L, LUA_REGISTRYINDEX, link->objects);
  names_collect(L, &link->names, NAMES_ALL, top + 1, 0);
  for (uint32_t number = 1; number <= link->names.map.count; number++) {
    lua_rawgeti(L, top + 1, number);
    share(L, link, top + 2, names_level(&link->names, number));
    lua_pop(L, 1);
  }
  names_free(L, &link->names);
  lua_settop(L, top);
}

void pickle_names_snapshot(lua_State *L, PickleLink *link) {
  luaL_checkstack(L, 8, NULL);
  unref(L, &link->modules);
  names_free(L, &link->names);
  if (!link->spawn) share_all(L, link);
  modules_push(L, !link->spawn);
  link->modules = luaL_ref(L, LUA_REGISTRYINDEX); /* last: it says that all is there */
}

lua_Integer link_known(lua_State *L, const PickleLink *link, int i, unsigned *level) {
  const Ref *ref = refs_find(&link->known, lua_topointer(L, i));
  if (ref == NULL) return 0;
  lua_Integer number = (lua_Integer)(ref->value >> LEVEL_BITS);
  *level = ref->value & ((1 << LEVEL_BITS) - 1);
  link_push_known(L, link, (uint64_t)number);
  bool same = lua_rawequal(L, -1, i);
  lua_pop(L, 1);
  return same ? number : 0;
}

void link_push_known(lua_State *L, const PickleLink *link, uint64_t number) {
  lua_rawgeti(L, LUA_REGISTRYINDEX, link->objects);
  if (number > (uint64_t)link->nknown) lua_pushnil(L);
  else lua_rawgeti(L, -1, (lua_Integer)number);
  lua_remove(L, -2);
}

bool link_has_later(lua_State *L, const PickleLink *link) {
  lua_rawgeti(L, LUA_REGISTRYINDEX, link->modules);
  bool loaded = lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE) == LUA_TTABLE;
  bool more = loaded && modules_have_more(L, lua_gettop(L) - 1, lua_gettop(L));
  lua_pop(L, 2);
  return more;
}

void link_collect_names(lua_State *L, PickleLink *link) {
  names_free(L, &link->names);
  lua_rawgeti(L, LUA_REGISTRYINDEX, link->modules);
  names_collect(L, &link->names, link->spawn ? NAMES_ELSEWHERE : NAMES_LATER, 0, lua_gettop(L));
  lua_pop(L, 1);
}

void pickle_link_become_worker(lua_State *L, PickleLink *link) {
  link->worker = true;
  link_free_codes(L, link);
  if (link->objects == LUA_NOREF) return;
  lua_rawgeti(L, LUA_REGISTRYINDEX, link->objects); /* what a task drops here is still asked for */
  lua_pushnil(L);
  lua_setmetatable(L, -2);
  lua_pop(L, 1);
}

void link_track_begin(lua_State *L, PickleLink *link) {
  refs_reset(&link->tracked, KEPT_TRACKED);
  unref(L, &link->tracked_list);
}

void link_track(lua_State *L, PickleLink *link, int i, uint64_t number) {
  i = lua_absindex(L, i);
  if (link->tracked_list == LUA_NOREF) {
    lua_newtable(L);
    link->tracked_list = luaL_ref(L, LUA_REGISTRYINDEX);
  }
  lua_rawgeti(L, LUA_REGISTRYINDEX, link->tracked_list);
  lua_pushvalue(L, i);
  lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
  lua_pop(L, 1);
  bool added;
  if (refs_add(&link->tracked, lua_topointer(L, i), number, &added) == NULL) luaL_error(L, "not enough memory");
}

void link_track_end(lua_State *L, PickleLink *link) {
  if (link->tracked_list == LUA_NOREF) return;
  lua_rawgeti(L, LUA_REGISTRYINDEX, link->tracked_list);
  marks_take(L, &link->marks, -1, &link->known);
  lua_pop(L, 1);
}

void link_look(lua_State *L, PickleLink *link) {
  if (link->tracked_list == LUA_NOREF) return;
  lua_rawgeti(L, LUA_REGISTRYINDEX, link->tracked_list);
  marks_look(L, &link->marks, -1);
  lua_pop(L, 1);
}

bool link_changed(lua_State *L, const PickleLink *link, int i) {
  return refs_find(&link->marks.changed, lua_topointer(L, i)) != NULL;
}

size_t link_tracked(const PickleLink *link, const void *address) {
  const Ref *ref = refs_find(&link->tracked, address);
  return ref != NULL ? ref->value : 0;
}
