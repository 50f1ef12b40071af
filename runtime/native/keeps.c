/* Tables of what is kept, by word. */
#include "runtime/native/keeps.h"

#include <string.h>

#include "runtime/native/pointer.h"

#define WORD ((ptrdiff_t)sizeof(void *))

/* The word where an address stands, counted from base, which is aligned: below it for one that is not aligned itself. No
 * two pointers stand in one word. */
static lua_Integer word_of(const char *base, const void *address) {
  ptrdiff_t n = (const char *)address - base;
  return (n - (n % WORD + WORD) % WORD) / WORD;
}

/* Pushes what the memory of the value at index owner belongs to, a pointer or a buffer; returns the address that its
 * words are counted from, and in *values the number of its user value for the table. */
static const char *push_root(lua_State *L, int owner, int *values) {
  luaL_checkstack(L, 6, NULL);
  lua_pushvalue(L, owner);
  const Buffer *b;
  while ((b = buffer_test(L, -1)) == NULL) {
    lua_getiuservalue(L, -1, POINTER_OWNER);
    if (pointer_test(L, -1) == NULL && buffer_test(L, -1) == NULL) {
      lua_pop(L, 1);
      *values = POINTER_KEEPS;
      return pointer_test(L, -1)->address;
    }
    lua_remove(L, -2);
  }
  while (lua_getiuservalue(L, -1, BUFFER_PARENT) == LUA_TUSERDATA) lua_remove(L, -2);
  lua_pop(L, 1);
  *values = BUFFER_KEEPS;
  return ((const Buffer *)lua_touserdata(L, -1))->data;
}

/* Pushes the table of the memory, or nil, if there is none and none is to be made; *base is what its words are counted
 * from. */
static bool push_table(lua_State *L, int owner, bool make, const char **base) {
  int values;
  if (owner == 0) {
    lua_pushnil(L);
    return false;
  }
  *base = push_root(L, owner, &values);
  if (lua_getiuservalue(L, -1, values) != LUA_TTABLE && make) {
    lua_newtable(L); /* which may run a finalizer that makes one */
    if (lua_getiuservalue(L, -3, values) != LUA_TTABLE) {
      lua_pop(L, 1);
      lua_pushvalue(L, -1);
      lua_setiuservalue(L, -4, values);
    } else {
      lua_remove(L, -2);
    }
    lua_remove(L, -2);
  }
  lua_remove(L, -2);
  return lua_istable(L, -1);
}

void keeps_put(lua_State *L, int owner, const void *address, int v) {
  const char *base;
  v = lua_absindex(L, v);
  bool plain = lua_isnil(L, v) || lua_islightuserdata(L, v); /* nothing to keep, but something to forget */
  if (push_table(L, owner, !plain, &base)) {
    if (plain) lua_pushnil(L);
    else lua_pushvalue(L, v);
    lua_rawseti(L, -2, word_of(base, address));
  }
  lua_pop(L, 1);
}

void keeps_push(lua_State *L, int owner, const void *address) {
  const char *base;
  if (push_table(L, owner, false, &base)) {
    lua_rawgeti(L, -1, word_of(base, address));
    lua_remove(L, -2);
  }
}

/* Copies words first … last of the table at index from to those from 1 on in the table at index to. A finalizer that
 * runs when that allocates may change them: until it finds them as they are. */
static void gather(lua_State *L, int from, lua_Integer first, lua_Integer last, int to) {
  for (bool same = false; !same;) {
    same = true;
    for (lua_Integer w = first; w <= last; w++) {
      lua_rawgeti(L, from, w);
      lua_rawgeti(L, to, w - first + 1);
      bool equal = lua_rawequal(L, -1, -2);
      lua_pop(L, 1);
      if (equal) lua_pop(L, 1);
      else lua_rawseti(L, to, w - first + 1);
      same = same && equal;
    }
  }
}

/* Puts what was gathered at index moved into the table at index target, for n bytes at `to`. */
static void scatter(lua_State *L, int moved, int target, const char *base, const char *to, size_t n) {
  lua_Integer first = word_of(base, to), last = word_of(base, to + n - 1);
  for (lua_Integer w = first; w <= last; w++) {
    bool whole = base + w * WORD >= to && base + (w + 1) * WORD <= to + n;
    if (lua_rawgeti(L, moved, w - first + 1) != LUA_TNIL || whole) lua_rawseti(L, target, w);
    else lua_pop(L, 1); /* part of an address was written: it may lead where it led */
  }
}

/* Raises if the n bytes at `at` do not belong to the memory any more: a finalizer has freed or resized the buffer. */
static void check_there(lua_State *L, int owner, const char *base, const char *at, size_t n) {
  int values;
  if (owner == 0) return;
  bool there = push_root(L, owner, &values) == base;
  const Buffer *b = buffer_test(L, -1);
  if (b != NULL) there = there && n <= buffer_nbytes(b) && (size_t)(at - base) <= buffer_nbytes(b) - n;
  if (!there) luaL_error(L, "%s", buffer_changed);
  lua_pop(L, 1);
}

void keeps_move(lua_State *L, int to_owner, void *to, int from_owner, const void *from, size_t n) {
  const char *to_base = NULL, *from_base = NULL, *from_now = NULL;
  int top = lua_gettop(L);
  bool some = n > 0 && to_owner != 0 && push_table(L, from_owner, false, &from_base);
  lua_settop(L, top + some);
  if (n == 0 || !push_table(L, to_owner, some, &to_base)) { /* as nearly always */
    if (n > 0) memmove(to, from, n);
    lua_settop(L, top);
    return;
  }
  int target = lua_gettop(L), moved = target + 1;
  lua_newtable(L); /* holds what is kept until it is in its place */
  bool any = push_table(L, from_owner, false, &from_now); /* again: a finalizer may have stored the first address there */
  if (any) gather(L, moved + 1, word_of(from_now, from), word_of(from_now, (const char *)from + n - 1), moved);
  check_there(L, to_owner, to_base, to, n);
  check_there(L, from_owner, from_base, from, n);
  memmove(to, from, n);
  scatter(L, moved, target, to_base, to, n);
  lua_settop(L, top);
}

/* Where the value at index i begins and how long it is; NULL: it is no memory. */
static const char *extent(lua_State *L, int i, size_t *n) {
  const Pointer *p = pointer_test(L, i);
  if (lua_type(L, i) == LUA_TSTRING) return lua_tolstring(L, i, n);
  if (p == NULL) return NULL;
  *n = p->count == POINTER_UNKNOWN ? p->type->size : p->count * p->type->size;
  return p->address;
}

/* The pointer at `at` is kept as the value at index i is, if it leads there; false: it does not. */
static bool take_direct(lua_State *L, int owner, char *at, int i) {
  size_t n;
  const char *target, *data = extent(L, i, &n);
  memcpy(&target, at, sizeof target);
  if (data == NULL || target == NULL || target < data || (target >= data + n && target != data)) return false;
  keeps_put(L, owner, at, i);
  return true;
}

/* The same if the memory of the value at index i has that pointer, too. */
static bool take_copied(lua_State *L, int owner, char *at, int i) {
  size_t n;
  const char *base, *data = extent(L, i, &n), *word = data;
  if (pointer_test(L, i) == NULL) return false;
  int top = lua_gettop(L);
  bool found = false;
  if (push_table(L, i, false, &base))
    for (; word + WORD <= data + n && !found; word += WORD) {
      found = memcmp(word, at, (size_t)WORD) == 0 && lua_rawgeti(L, top + 1, word_of(base, word)) != LUA_TNIL;
      if (found) keeps_put(L, owner, at, -1);
    }
  lua_settop(L, top);
  return found;
}

void keeps_take(lua_State *L, int owner, char *data, size_t n, int first, int last) {
  for (char *at = data; at + WORD <= data + n; at += WORD) {
    bool taken = false;
    for (int i = first; i <= last && !taken; i++) taken = take_direct(L, owner, at, i) || take_copied(L, owner, at, i);
  }
}
