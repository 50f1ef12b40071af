/* Writing what goes by name, by number, or back to where it came from. */
#include "pool/pickle/write_name.h"

#include "pool/pickle/emit.h"
#include "pool/pickle/modules.h"

/* How many keys the name of the object on top has, counted up to 3; 0: it has none that is known. */
static unsigned level_of(Writer *w) {
  unsigned level;
  int top = lua_gettop(w->L);
  if (w->link != NULL && link_known(w->L, w->link, top, &level) != 0) return level;
  const Ref *ref = w->names == NULL ? NULL : refs_find(&w->names->map, lua_topointer(w->L, top));
  return ref == NULL ? 0 : names_level(w->names, (uint32_t)ref->value);
}

bool writer_named(Writer *w) {
  lua_State *L = w->L;
  int top = lua_gettop(L);
  unsigned level;
  lua_Integer number = w->link == NULL ? 0 : link_known(L, w->link, top, &level);
  if (number != 0) {
    writer_byte(w, TAG_KNOWN);
    writer_varint(w, (uint64_t)number);
    return true;
  }
  int n = w->names == NULL ? 0 : names_push(L, w->names, top, w->base + SLOT_LOADED);
  if (n == 0) return false;
  writer_byte(w, n == 1 ? TAG_MODULE : n == 2 ? TAG_NAME : TAG_PATH);
  if (n > 2) writer_byte(w, (unsigned)n);
  for (int i = 1; i <= n; i++) {
    writer_reserve(w, SHORT_STRING + SCALAR_ROOM);
    writer_string(w, top + i);
  }
  lua_settop(L, top);
  return true;
}

/* A module does, a class, and whatever is a metatable in this message. */
bool writer_named_table(Writer *w) {
  unsigned level = level_of(w);
  if (level == 0) return false;
  if (level > 1 && !writer_is_metatable(w) && refs_find(&w->classes, lua_topointer(w->L, -1)) == NULL) {
    NamedTable kind = names_look_at(w->L, 0);
    if (kind != TABLE_CLASS && (kind != TABLE_OF_NAMES || level > 2)) return false;
  }
  return writer_named(w);
}

/* Whether the function on top, which is to go by the name of a module that the other end requires, is what that gets. */
static bool is_there(Writer *w) {
  lua_State *L = w->L;
  int top = lua_gettop(L);
  unsigned level;
  if (w->link == NULL || w->link->worker || lua_iscfunction(L, top) || link_known(L, w->link, top, &level) != 0) return true;
  if (!lua_checkstack(L, LUA_MINSTACK)) writer_no_memory(w);
  lua_rawgeti(L, LUA_REGISTRYINDEX, w->link->modules);
  int n = names_push(L, w->names, top, w->base + SLOT_LOADED);
  bool there = n == 0 || modules_made(L, top + 1, top + 2, top);
  lua_settop(L, top);
  return there;
}

/* A function within a class is one of many copies of it, if it captures what may have changed since the fork: as it is
 * now it goes by value. */
bool writer_named_function(Writer *w) {
  lua_State *L = w->L;
  unsigned level = level_of(w);
  if (level == 0) return false;
  if (level > 2 && w->link != NULL && !w->link->worker && !lua_iscfunction(L, -1)) {
    bool captures = lua_getupvalue(L, -1, 1) != NULL;
    if (captures) {
      captures = lua_topointer(L, -1) != w->globals;
      lua_pop(L, 1);
    }
    if (!captures && lua_getupvalue(L, -1, 2) != NULL) {
      captures = true;
      lua_pop(L, 1);
    }
    if (captures) return false;
  }
  return is_there(w) && writer_named(w);
}

bool writer_class_by_value(Writer *w) {
  const void *address = lua_topointer(w->L, -1);
  const Ref *ref = refs_find(&w->refs, address);
  unsigned tag = ref != NULL ? w->out.bytes[ref->value] : TAG_NIL;
  size_t size = w->out.size;
  w->settled_meta = address;
  if (tag < TAG_TABLE || tag >= TAG_NIL) return false;
  if (writer_named(w)) {
    bool added;
    w->out.size = size;
    if (refs_add(&w->classes, address, 0, &added) == NULL) writer_no_memory(w);
    w->restart |= RESTART_CLASSES;
  } else {
    writer_want_names(w);
  }
  return w->restart != 0;
}

/* A metatable stands for itself, whatever was done to it here. Where it is a value, too, it goes as it is now, and is a copy. */
static bool is_to_be_told(Writer *w) {
  if (!writer_is_metatable(w)) return writer_changed(w);
  return refs_find(&w->changed, lua_topointer(w->L, -1)) != NULL;
}

bool writer_tracked(Writer *w) {
  if (w->link == NULL || !w->link->worker) return false;
  size_t number = link_tracked(w->link, lua_topointer(w->L, -1));
  if (number == 0) return false;
  if (lua_istable(w->L, -1) && is_to_be_told(w)) return false;
  writer_byte(w, TAG_ORIGIN);
  writer_varint(w, number);
  return true;
}
