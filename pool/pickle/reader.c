/* What the reader takes its message apart with: numbers, strings, references, frames. */
#include "pool/pickle/reader.h"

#include <lauxlib.h>
#include <stdarg.h>
#include <string.h>

#include "pool/pickle/format.h"
#include "runtime/state/error.h"

static const char made_nil; /* stands for what a constructor made, if it is nil */

_Noreturn void reader_damaged(Reader *r, size_t at, const char *format, ...) {
  lua_State *L = r->L;
  va_list args;
  luaL_checkstack(L, LUA_MINSTACK, NULL);
  va_start(args, format);
  const char *text = lua_pushvfstring(L, format, args);
  va_end(args);
  error_push(L, ERROR_PICKLE, "cannot read byte %s: %s", lua_pushfstring(L, "%I", (LUAI_UACINT)at), text);
  lua_pushinteger(L, (lua_Integer)at);
  lua_setfield(L, -2, "offset");
  lua_error(L);
  __builtin_unreachable();
}

uint64_t reader_varint(Reader *r) {
  uint64_t value = 0;
  size_t at = reader_offset(r);
  for (unsigned shift = 0; shift < 64; shift += 7) {
    reader_need(r, 1);
    uint8_t byte = *r->p++;
    if (shift == 63 && byte > 1) break;
    value |= (uint64_t)(byte & 0x7F) << shift;
    if (byte < 0x80) return value;
  }
  reader_damaged(r, at, "a number is too large");
}

size_t reader_size(Reader *r) {
  size_t at = reader_offset(r);
  uint64_t size = reader_varint(r);
  if (size > reader_left(r)) reader_damaged(r, at, "a length exceeds the message");
  return (size_t)size;
}

static void spill(Reader *r, int depth) {
  int slot = reader_slot(r, depth);
  if (lua_isnil(r->L, r->base + SLOT_READ_SPILL)) {
    lua_newtable(r->L);
    lua_replace(r->L, r->base + SLOT_READ_SPILL);
  }
  for (int i = 0; i < 2; i++) {
    lua_pushvalue(r->L, slot + i);
    lua_rawseti(r->L, r->base + SLOT_READ_SPILL, 2 * (lua_Integer)depth + i + 1);
  }
}

static void grow_frames(Reader *r) {
  ReadFrame *frames = lua_newuserdatauv(r->L, 2 * (size_t)r->capacity * sizeof *frames, 0);
  memcpy(frames, r->frames, (size_t)r->capacity * sizeof *frames);
  lua_replace(r->L, r->base + SLOT_READ_FRAMES);
  r->frames = frames;
  r->capacity *= 2;
}

ReadFrame *reader_push(Reader *r, ReadKind kind, size_t at, unsigned tag, uint32_t n) {
  if (r->depth + 1 >= r->capacity) grow_frames(r);
  if (r->depth >= READ_LEVELS) {
    spill(r, r->depth);
    lua_replace(r->L, reader_slot(r, r->depth));
    lua_settop(r->L, reader_slot(r, r->depth));
  }
  lua_pushnil(r->L);
  ReadFrame *f = &r->frames[++r->depth];
  *f = (ReadFrame){.at = at, .n = n, .kind = (uint8_t)kind, .tag = (uint8_t)tag};
  return f;
}

void reader_pop(Reader *r) {
  lua_State *L = r->L;
  int slot = reader_slot(r, r->depth);
  lua_settop(L, slot);
  r->depth--;
  if (r->depth < READ_LEVELS) return;
  for (int i = 0; i < 2; i++) lua_rawgeti(L, r->base + SLOT_READ_SPILL, 2 * (lua_Integer)r->depth + i + 1);
  lua_rotate(L, slot, -1);
}

void reader_make_table(Reader *r, int slot) {
  if (!lua_isnil(r->L, r->base + slot)) return;
  lua_newtable(r->L);
  lua_replace(r->L, r->base + slot);
}

void reader_remember(Reader *r, size_t at, unsigned tag) {
  if ((tag & TAG_SHARED) == 0) return;
  reader_make_table(r, SLOT_REFS);
  if (lua_isnil(r->L, -1)) lua_pushlightuserdata(r->L, (void *)&made_nil);
  else lua_pushvalue(r->L, -1);
  lua_rawseti(r->L, r->base + SLOT_REFS, (lua_Integer)at);
}

size_t reader_ref(Reader *r) {
  size_t at = reader_offset(r);
  uint64_t ref = reader_varint(r);
  bool exists = ref < at && !lua_isnil(r->L, r->base + SLOT_REFS);
  int type = exists ? lua_rawgeti(r->L, r->base + SLOT_REFS, (lua_Integer)ref) : LUA_TNIL;
  if (type == LUA_TNIL) reader_damaged(r, at, "a reference leads to nothing");
  if (type == LUA_TLIGHTUSERDATA && lua_touserdata(r->L, -1) == &made_nil) {
    lua_pop(r->L, 1);
    lua_pushnil(r->L);
  }
  return (size_t)ref;
}

/* The string that the bytes number; it is kept for who asks for it. */
static void define_string(Reader *r) {
  reader_bytes(r, reader_size(r));
  reader_make_table(r, SLOT_STRINGS);
  lua_pushvalue(r->L, -1);
  lua_rawseti(r->L, r->base + SLOT_STRINGS, (lua_Integer)++r->strings);
}

bool reader_string(Reader *r, size_t at, unsigned tag) {
  if (tag >= TAG_STRING && tag < TAG_STRING_REF) {
    reader_bytes(r, tag - TAG_STRING);
  } else if (tag >= TAG_STRING_REF && tag < TAG_TABLE) {
    reader_numbered(r, tag - TAG_STRING_REF);
  } else if (tag == TAG_STRING_DEFINE) {
    define_string(r);
  } else if (tag == TAG_STRING_REF_FAR) {
    reader_numbered(r, reader_varint(r));
  } else if (tag == TAG_STRING_LONG || tag == TAG_STRING_LONG + TAG_SHARED) {
    reader_bytes(r, reader_size(r));
    reader_remember(r, at, tag);
  } else {
    return false;
  }
  return true;
}

void reader_key(Reader *r) {
  size_t at = reader_offset(r);
  reader_need(r, 1);
  unsigned tag = *r->p++;
  if (tag == TAG_REF) reader_ref(r);
  else if (!reader_string(r, at, tag)) lua_pushnil(r->L);
  if (lua_type(r->L, -1) != LUA_TSTRING) reader_damaged(r, at, "a name is not a string");
}

const uint8_t *reader_next_hole(const Reader *r) {
  return r->stream->at == SIZE_MAX ? NULL : r->start + r->stream->at;
}

void reader_hole(Reader *r, size_t size) {
  r->stream->push(r->L, r->stream, size);
  r->hole = reader_next_hole(r);
}
