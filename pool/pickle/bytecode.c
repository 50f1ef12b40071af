/* In bytecode of Lua 5.4 the name of the chunk stands behind the header and the count of variables: its size + 1 in groups of
 * seven bits, the last one marked, then its bytes. Functions within have it once more only if it is another one.
 */
#include "pool/pickle/bytecode.h"

#include "pool/pickle/format.h"

enum { MARK = 0x80, NAME_AT = 15 + sizeof(lua_Integer) + sizeof(lua_Number) + 1 };

static int append(lua_State *L, const void *bytes, size_t size, void *ud) {
  (void)L;
  return bytes_append(ud, bytes, size) ? 0 : 1;
}

/* Puts the short form of the name in its place; false: it does not stand where it is looked for (Lua 5.5). */
static bool shorten(Bytes *b, const lua_Debug *ar) {
  size_t at = NAME_AT, size = 0, byte = 0;
  while (at < b->size && (byte & MARK) == 0 && size <= ar->srclen) {
    byte = b->bytes[at++];
    size = size << 7 | (byte & (MARK - 1));
  }
  if (size != ar->srclen + 1 || b->size - at < ar->srclen || memcmp(b->bytes + at, ar->source, ar->srclen) != 0) return false;
  size_t length = strlen(ar->short_src), end = at + ar->srclen;
  uint8_t *name = b->bytes + NAME_AT;
  name[0] = (uint8_t)(MARK | (length + 2));
  name[1] = '=';
  memcpy(name + 2, ar->short_src, length);
  memmove(name + 2 + length, b->bytes + end, b->size - end);
  b->size -= end - (NAME_AT + 2 + length);
  return true;
}

bool bytecode_dump(lua_State *L, Bytes *out) {
  lua_Debug ar;
  lua_pushvalue(L, -1);
  lua_getinfo(L, ">S", &ar);
  out->size = 0;
  if (lua_dump(L, append, out, 0) != 0) return false;
  if (ar.srclen <= LONGEST_SOURCE || shorten(out, &ar)) return true;
  out->size = 0;
  return lua_dump(L, append, out, 1) == 0;
}
