/* Constructors of typed arrays, and what is told about their parts. */
#include "pool/multiprocessing/buffer_reduce.h"

#include <lauxlib.h>
#include <string.h>

#include "pool/multiprocessing/buffer_parts.h"
#include "pool/pickle/pickle.h"
#include "runtime/native/lib_native.h"

/* (type, bytes) -> a copy of a buffer that is not shared */
static int load(lua_State *L) {
  size_t size;
  BufferType type = (BufferType)native_check_buffer_type(L, 1);
  const char *bytes = luaL_checklstring(L, 2, &size);
  luaL_argcheck(L, size % buffer_item_sizes[type] == 0, 2, "no whole number of elements");
  Buffer *b = buffer_new(L, type, size / buffer_item_sizes[type]);
  if (size > 0) memcpy(b->data, bytes, size);
  return 1;
}

/* (buffer, first, n) -> elements first … first + n - 1 (from 0) of it, which came with it */
static int load_view(lua_State *L) {
  const Buffer *b = buffer_check(L, 1);
  lua_Integer first = luaL_checkinteger(L, 2), n = luaL_checkinteger(L, 3);
  luaL_argcheck(L, first >= 0 && (size_t)first <= b->length, 2, "not there");
  luaL_argcheck(L, n >= 0 && (size_t)n <= b->length - (size_t)first, 3, "not there");
  buffer_view(L, 1, (size_t)first, (size_t)n);
  return 1;
}

enum { PARTS_OBJECTS = 1, FIRST_PARTS = 4 };

static const char parts_mark = 0; /* its address tells that a userdata is ours */

/* Pushes the parts of the root that are in the message, and the list of their buffers; NULL, and nothing is pushed: there are none.
 * debug.getmetatable gives __reduce to anybody, who may give it a table of his own. */
static Parts *push_noted(lua_State *L, const Buffer *root) {
  int top = lua_gettop(L);
  lua_rawgetp(L, 2, root);
  Parts *p = lua_touserdata(L, -1);
  bool good = p != NULL && lua_type(L, -1) == LUA_TUSERDATA && lua_rawlen(L, -1) >= sizeof *p && p->mark == &parts_mark;
  if (good && lua_getiuservalue(L, -1, PARTS_OBJECTS) == LUA_TTABLE) return p;
  lua_settop(L, top);
  return NULL;
}

/* The same, made anew if there are none, with room for one more. */
static Parts *push_parts(lua_State *L, const Buffer *root) {
  int top = lua_gettop(L);
  Parts *old = push_noted(L, root);
  if (old != NULL && old->count < old->capacity) return old;
  size_t capacity = old == NULL ? FIRST_PARTS : 2 * old->capacity;
  Parts *p = lua_newuserdatauv(L, parts_size(capacity), PARTS_OBJECTS);
  *p = (Parts){.mark = &parts_mark};
  if (old != NULL) memcpy(p, old, parts_size(old->count));
  p->capacity = capacity;
  if (old == NULL) lua_newtable(L);
  else lua_pushvalue(L, -2);
  lua_pushvalue(L, -1);
  lua_setiuservalue(L, -3, PARTS_OBJECTS);
  lua_pushvalue(L, -2);
  lua_rawsetp(L, 2, root);
  if (old != NULL) {
    lua_rotate(L, top + 1, 2);
    lua_settop(L, top + 2);
  }
  return p;
}

/* Notes the buffer at index 1: the root as object 1. */
static void note_part(lua_State *L, Buffer *b, Buffer *root, size_t first) {
  Parts *p = push_parts(L, root);
  lua_Integer number = b == root ? 1 : (lua_Integer)p->count + 2;
  lua_pushvalue(L, 1);
  lua_rawseti(L, -2, number);
  parts_add(p, (Part){first, first + b->length, number, false});
  lua_pop(L, 2);
  if (!p->overlap) return;
  lua_pushboolean(L, 1);
  lua_rawseti(L, 2, PICKLE_AGAIN);
}

/* Pushes the buffer of what several cover together: the elements of that part. */
static void push_cover(lua_State *L, Part *part, const Parts *p, int objects) {
  if (part->object != 0) {
    lua_rawgeti(L, objects, part->object);
    return;
  }
  lua_pushvalue(L, 1);
  while (lua_getiuservalue(L, -1, BUFFER_PARENT) == LUA_TUSERDATA) lua_remove(L, -2);
  lua_pop(L, 1);
  buffer_view(L, -1, part->first, part->end - part->first);
  lua_remove(L, -2);
  part->object = (lua_Integer)p->capacity + 2 + (part - p->list);
  lua_pushvalue(L, -1);
  lua_rawseti(L, objects, part->object);
}

/* Pushes what the buffer at index 1, which begins at `first` in the root, goes as where others in the message overlap with it:
 * elements of one that they have together. 0: it goes by itself. */
static int reduce_shared(lua_State *L, Buffer *b, Buffer *root, size_t first) {
  if (!lua_istable(L, 2) || b->length == 0) return 0;
  if (lua_rawgeti(L, 2, PICKLE_WALK), lua_tointeger(L, -1) == 1) {
    note_part(L, b, root, first);
    return 0;
  }
  Parts *p = push_noted(L, root);
  if (p != NULL && !p->merged) parts_merge(p);
  Part *part = p == NULL ? NULL : parts_find(p, first, first + b->length);
  if (part == NULL || !part->shared) return 0;
  push_cover(L, part, p, lua_gettop(L));
  if (lua_rawequal(L, -1, 1)) return 0;
  lua_pushcfunction(L, load_view);
  lua_insert(L, -2);
  lua_pushinteger(L, (lua_Integer)(first - part->first));
  lua_pushinteger(L, (lua_Integer)b->length);
  return 4;
}

int buffer_reduce(lua_State *L, Buffer *b, Buffer *root, size_t first) {
  int n = reduce_shared(L, b, root, first);
  if (n > 0) return n;
  if (b->freed) return luaL_error(L, "%s", buffer_changed);
  lua_pushcfunction(L, load);
  lua_pushstring(L, buffer_type_names[b->type]);
  buffer_push_bytes(L, b->data, buffer_nbytes(b));
  return 3;
}

void buffer_reduce_register(lua_State *L) {
  lua_pushcfunction(L, load);
  pickle_register(L, "gilua.load_array");
  lua_pushcfunction(L, load_view);
  pickle_register(L, "gilua.load_view");
}
