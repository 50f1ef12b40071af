/* Metatables.
 *
 * From outside a message gives its tables classes that the program has under a name, and nothing else that could run: a
 * metatable by value has no field that Lua calls or looks into. What is looked at is the metatable as it is when it is
 * set, and nothing changes it after that: one that is still being read is set when the whole message is read.
 */
#include "pool/pickle/read_meta.h"

#include <lauxlib.h>
#include <string.h>

#include "pool/pickle/format.h"

/* Whether the object with its tag at that offset is still being filled; frames stand by rising offset. */
static bool is_open(const Reader *r, size_t at) {
  int low = 0, high = r->depth + 1;
  while (low < high) {
    int middle = low + (high - low) / 2;
    if (r->frames[middle].at < at) low = middle + 1;
    else high = middle;
  }
  return low <= r->depth && r->frames[low].at == at;
}

/* By value: the fields that begin with "__" are Lua's, but for two that make nothing run. */
static void check_value(Reader *r, size_t at, int i) {
  lua_State *L = r->L;
  lua_pushnil(L);
  while (lua_next(L, i)) {
    size_t size = 0;
    const char *key = lua_type(L, -2) == LUA_TSTRING ? lua_tolstring(L, -2, &size) : NULL;
    bool text = lua_type(L, -1) == LUA_TSTRING;
    lua_pop(L, 1);
    if (size < 2 || key[0] != '_' || key[1] != '_') continue;
    if (!text || (strcmp(key, "__mode") != 0 && strcmp(key, "__name") != 0))
      reader_damaged(r, at, "a metatable with %s needs functions = true", key);
  }
}

/* The metatable at index i was defined at that offset, and is complete. */
static void check_meta(Reader *r, size_t definition, int i) {
  lua_State *L = r->L;
  unsigned tag = r->start[definition];
  if (lua_type(L, i) != LUA_TTABLE) reader_damaged(r, definition, "a metatable is a %s", luaL_typename(L, i));
  if (reader_trusts(r) || r->checked_meta == definition) return;
  if (tag >= TAG_TABLE && tag < TAG_NIL) check_value(r, definition, i); /* else it has a name, see read_name.c */
  r->checked_meta = definition;
}

/* The offset at which the value that began at `at` was defined. */
static size_t definition_of(Reader *r, size_t at) {
  if (r->start[at] != TAG_REF) return at;
  const uint8_t *p = r->p;
  r->p = r->start + at + 1;
  at = (size_t)reader_varint(r);
  r->p = p;
  return at;
}

void reader_set_meta(Reader *r, int slot, size_t at) {
  lua_State *L = r->L;
  size_t definition = definition_of(r, at);
  uint64_t number = r->track ? reader_varint(r) : 0;
  if (number != 0) link_track(L, r->link, -1, number);
  if (!is_open(r, definition)) {
    check_meta(r, definition, lua_gettop(L));
    lua_setmetatable(L, slot);
    return;
  }
  reader_make_table(r, SLOT_DEFERRED);
  int list = r->base + SLOT_DEFERRED;
  lua_Integer n = (lua_Integer)lua_rawlen(L, list);
  lua_rawseti(L, list, n + 1);
  lua_pushvalue(L, slot);
  lua_rawseti(L, list, n + 2);
  lua_pushinteger(L, (lua_Integer)definition);
  lua_rawseti(L, list, n + 3);
  r->deferred = true;
}

void reader_set_deferred(Reader *r) {
  lua_State *L = r->L;
  int list = r->base + SLOT_DEFERRED;
  lua_Integer n = (lua_Integer)lua_rawlen(L, list);
  for (lua_Integer i = 1; i < n; i += 3) {
    for (int k = 1; k <= 3; k++) lua_rawgeti(L, list, i + 3 - k);
    check_meta(r, (size_t)lua_tointeger(L, -3), lua_gettop(L));
    lua_setmetatable(L, -2);
    lua_pop(L, 2);
  }
}
