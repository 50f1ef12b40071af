/* Lua's interface makes strings only by copying them from memory. But a binary chunk is read in blocks, and the long
 * strings among its constants straight into their place: so the string comes as the constant of a chunk that returns
 * it. The chunk is that of a template, dumped by this very Lua, with another string in it.
 *
 *   head      the template up to the length of its string
 *   length    7 bits a byte, the most significant first, the last byte with bit 7 set; of the string and one more
 *   bytes     of the string
 *   tail      the rest of the template
 */
#include "pool/process/stream_string.h"

#include <lauxlib.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#if LUA_VERSION_NUM == 504

#define MARK "a string that is longer than what Lua keeps once, and stands nowhere else"
enum { TEMPLATE_SIZE = 1024, LENGTH_SIZE = 10 };

typedef struct Chunk {
  StringSource *source;
  enum { HEAD, LENGTH, BYTES, TAIL, END } next;
  size_t given; /* of the bytes, not yet taken */
  size_t size, head, tail; /* of the template: all, before the length, from the string's end on */
  unsigned char template[TEMPLATE_SIZE], length[LENGTH_SIZE];
} Chunk;

static int add(lua_State *L, const void *bytes, size_t n, void *data) {
  Chunk *c = data;
  (void)L;
  if (n > TEMPLATE_SIZE - c->size) return 1;
  memcpy(c->template + c->size, bytes, n);
  c->size += n;
  return 0;
}

/* Dumps the template and finds its string; false: it is not as it should be. */
static bool make_template(lua_State *L, Chunk *c) {
  if (luaL_loadbufferx(L, "return '" MARK "'", sizeof "return '" MARK "'" - 1, "=", "t") != LUA_OK) return false;
  if (lua_dump(L, add, c, 1) != 0) return false;
  lua_pop(L, 1);
  for (size_t i = 1; i + sizeof MARK - 1 <= c->size; i++) {
    if (memcmp(c->template + i, MARK, sizeof MARK - 1) != 0 || c->template[i - 1] != (sizeof MARK | 0x80)) continue;
    c->head = i - 1;
    c->tail = i + sizeof MARK - 1;
    return true;
  }
  return false;
}

static const char *read_length(Chunk *c, size_t *n) {
  size_t value = c->source->left + 1;
  unsigned at = LENGTH_SIZE;
  c->length[--at] = (unsigned char)((value & 0x7f) | 0x80);
  while ((value >>= 7) != 0) c->length[--at] = (unsigned char)(value & 0x7f);
  *n = LENGTH_SIZE - at;
  return (const char *)c->length + at;
}

static const char *read_bytes(Chunk *c, size_t *n) {
  StringSource *s = c->source;
  *n = s->left;
  const char *block = s->next(s->arg, n);
  c->given = *n;
  return block;
}

/* lua_Reader */
static const char *read_chunk(lua_State *L, void *data, size_t *n) {
  Chunk *c = data;
  (void)L;
  if (c->given > 0) {
    c->source->taken(c->source->arg, c->given);
    c->source->left -= c->given;
    c->given = 0;
  }
  if (c->next == BYTES && c->source->left == 0) c->next = TAIL;
  switch (c->next) {
    case HEAD: c->next = LENGTH; *n = c->head; return (const char *)c->template;
    case LENGTH: c->next = BYTES; return read_length(c, n);
    case BYTES: return read_bytes(c, n);
    case TAIL: c->next = END; *n = c->size - c->tail; return (const char *)c->template + c->tail;
    default: *n = 0; return NULL;
  }
}

static int stream(lua_State *L, StringSource *source, Chunk *c) {
  *c = (Chunk){.source = source};
  if (!make_template(L, c)) {
    lua_pushliteral(L, "a string cannot be made of its bytes: this Lua dumps functions in another way");
    return LUA_ERRRUN;
  }
  int status = lua_load(L, read_chunk, c, "=", "b");
  return status == LUA_OK ? lua_pcall(L, 0, 1, 0) : status;
}

int stream_string(lua_State *L, StringSource *source) {
  Chunk c;
  return stream(L, source, &c);
}

#else

static int push(lua_State *L) {
  lua_pushlstring(L, lua_touserdata(L, 1), (size_t)lua_tointeger(L, 2));
  return 1;
}

/* By way of memory. */
int stream_string(lua_State *L, StringSource *source) {
  size_t size = source->left, at = 0;
  char *bytes = malloc(size);
  for (size_t n = source->left; bytes != NULL && at < size; n = source->left) {
    const char *block = source->next(source->arg, &n); /* sets n */
    memcpy(bytes + at, block, n);
    source->taken(source->arg, n);
    source->left -= n;
    at += n;
  }
  if (bytes == NULL) {
    lua_pushliteral(L, "not enough memory");
    return LUA_ERRMEM;
  }
  lua_pushcfunction(L, push);
  lua_pushlightuserdata(L, bytes);
  lua_pushinteger(L, (lua_Integer)size);
  int status = lua_pcall(L, 2, 1, 0);
  free(bytes);
  return status;
}

#endif
