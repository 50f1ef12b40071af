/* The order of lua_next says nothing, so the pairs are added up. */
#include "pool/pickle/fields.h"

#include <stdint.h>
#include <string.h>

static uint64_t mix(uint64_t h, uint64_t word) {
  h = (h ^ word) * 0xFF51AFD7ED558CCDu;
  return h ^ h >> 32;
}

/* By contents: another string may have got the address since. */
static uint64_t hash_string(lua_State *L, int i) {
  size_t size;
  const char *s = lua_tolstring(L, i, &size);
  uint64_t h = mix(LUA_TSTRING, size), word = 0;
  if (size > FIELDS_HASHED_STRING) return mix(h, (uintptr_t)s);
  for (; size >= sizeof word; s += sizeof word, size -= sizeof word) {
    memcpy(&word, s, sizeof word);
    h = mix(h, word);
  }
  word = 0;
  if (size > 0) memcpy(&word, s, size);
  return mix(h, word);
}

static uint64_t hash_value(lua_State *L, int i) {
  int type = lua_type(L, i);
  uint64_t word = 0;
  if (type == LUA_TSTRING) return hash_string(L, i);
  if (type == LUA_TBOOLEAN) return mix((uint64_t)type, (uint64_t)lua_toboolean(L, i));
  if (type != LUA_TNUMBER) return mix((uint64_t)type, (uintptr_t)lua_topointer(L, i));
  if (lua_isinteger(L, i)) return mix((uint64_t)type, (uint64_t)lua_tointeger(L, i));
  memcpy(&word, &(lua_Number){lua_tonumber(L, i)}, sizeof word);
  return mix((uint64_t)type << 8, word);
}

size_t fields_mark(lua_State *L, int i) {
  uint64_t sum = 0;
  i = lua_absindex(L, i);
  for (lua_pushnil(L); lua_next(L, i) != 0; lua_pop(L, 1)) sum += mix(hash_value(L, -2), hash_value(L, -1));
  if (lua_getmetatable(L, i)) {
    sum += mix(1, (uintptr_t)lua_topointer(L, -1));
    lua_pop(L, 1);
  }
  return sum;
}
