/* A walk by a list, which is at once what is still to be looked at. */
#include "pool/pickle/marks.h"

#include <lauxlib.h>

#include "pool/pickle/fields.h"

enum { KEPT_MARKS = 1024 };

void marks_free(Marks *m) {
  refs_free(&m->held);
  refs_free(&m->modules);
  refs_free(&m->changed);
}

static void add(lua_State *L, Refs *refs, const void *address, size_t value, bool *added) {
  if (refs_add(refs, address, value, added) == NULL) luaL_error(L, "not enough memory");
}

static void find_modules(lua_State *L, Refs *modules) {
  bool added;
  lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
  add(L, modules, lua_topointer(L, -1), 0, &added);
  lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  add(L, modules, lua_topointer(L, -1), 0, &added);
  for (lua_pushnil(L); lua_istable(L, -2) && lua_next(L, -2) != 0; lua_pop(L, 1))
    if (lua_istable(L, -1)) add(L, modules, lua_topointer(L, -1), 0, &added);
  lua_settop(L, -3);
}

/* A walk of marks_take. */
typedef struct Taking {
  Marks *marks;
  const Refs *known;
  int list;
  lua_Integer n; /* in the list */
} Taking;

/* The key or value at index i is looked at later, or kept. */
static void meet(lua_State *L, Taking *t, int i) {
  int type = lua_type(L, i);
  bool added;
  if (type != LUA_TTABLE && type != LUA_TFUNCTION && type != LUA_TUSERDATA && type != LUA_TSTRING) return;
  if (type == LUA_TSTRING && lua_rawlen(L, i) <= FIELDS_HASHED_STRING) return;
  if (refs_find(t->known, lua_topointer(L, i)) != NULL || refs_find(&t->marks->held, lua_topointer(L, i)) != NULL) return;
  if (type == LUA_TTABLE && t->marks->modules.count == 0) find_modules(L, &t->marks->modules);
  if (type == LUA_TTABLE && refs_find(&t->marks->modules, lua_topointer(L, i)) != NULL) return;
  add(L, &t->marks->held, lua_topointer(L, i), 0, &added);
  lua_pushvalue(L, i);
  lua_rawseti(L, t->list, ++t->n);
}

static void take_tables(lua_State *L, Taking *t) {
  for (lua_Integer k = 1; k <= t->n; k++) {
    if (lua_rawgeti(L, t->list, k) == LUA_TTABLE) {
      for (lua_pushnil(L); lua_next(L, -2) != 0; lua_pop(L, 1)) {
        meet(L, t, lua_gettop(L) - 1);
        meet(L, t, lua_gettop(L));
      }
      refs_find(&t->marks->held, lua_topointer(L, -1))->value = fields_mark(L, -1);
    }
    lua_pop(L, 1);
  }
}

void marks_take(lua_State *L, Marks *m, int i, const Refs *known) {
  luaL_checkstack(L, LUA_MINSTACK, NULL);
  Taking t = {.marks = m, .known = known, .list = lua_absindex(L, i)};
  bool added;
  refs_reset(&m->held, KEPT_MARKS);
  refs_reset(&m->modules, KEPT_MARKS);
  refs_reset(&m->changed, KEPT_MARKS);
  for (t.n = 0; lua_rawgeti(L, t.list, t.n + 1) != LUA_TNIL; t.n++) {
    add(L, &m->held, lua_topointer(L, -1), 0, &added);
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  take_tables(L, &t);
}

/* Whether the table on top leads to one that is changed. */
static bool leads_to_changed(lua_State *L, const Marks *m) {
  for (lua_pushnil(L); lua_next(L, -2) != 0; lua_pop(L, 1)) {
    bool key = lua_istable(L, -2) && refs_find(&m->changed, lua_topointer(L, -2)) != NULL;
    if (key || (lua_istable(L, -1) && refs_find(&m->changed, lua_topointer(L, -1)) != NULL)) {
      lua_pop(L, 2);
      return true;
    }
  }
  return false;
}

/* Notes the table on top of which that is true; whether it is a new one. */
static bool note(lua_State *L, Marks *m, bool leading) {
  const void *address = lua_topointer(L, -1);
  bool added = false;
  if (refs_find(&m->changed, address) != NULL) return false;
  const Ref *held = refs_find(&m->held, address);
  if (leading ? leads_to_changed(L, m) : held->value != fields_mark(L, -1)) add(L, &m->changed, address, 0, &added);
  return added;
}

/* What a table leads to stands behind it, but where they lead to each other: from the end on, and then to and fro. */
void marks_look(lua_State *L, Marks *m, int i) {
  luaL_checkstack(L, LUA_MINSTACK, NULL);
  i = lua_absindex(L, i);
  refs_reset(&m->changed, KEPT_MARKS);
  lua_Integer n = (lua_Integer)lua_rawlen(L, i);
  bool leading = false, back = true;
  for (bool found = true; found; leading = true, back = !back) {
    found = false;
    for (lua_Integer k = 1; k <= n; k++) {
      if (lua_rawgeti(L, i, back ? n + 1 - k : k) == LUA_TTABLE) found = note(L, m, leading) || found;
      lua_pop(L, 1);
    }
  }
}
