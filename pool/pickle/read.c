/* Reading: nothing in the bytes is trusted, and no recursion on the C stack. A table is made in the size that its
 * header announces; the sum of what headers announce never exceeds the bytes that are there. */
#include <lauxlib.h>
#include <string.h>

#include "pool/pickle/format.h"
#include "pool/pickle/read_function.h"
#include "pool/pickle/read_meta.h"
#include "pool/pickle/read_name.h"
#include "runtime/state/error.h"

/* size is a constant where this is inlined: one load. */
static inline __attribute__((always_inline)) void push_integer(Reader *r, size_t size) {
  int64_t value = 0;
  reader_need(r, size);
  memcpy(&value, r->p, size);
  r->p += size;
  unsigned unused = 64 - 8 * (unsigned)size;
  lua_pushinteger(r->L, (int64_t)((uint64_t)value << unused) >> unused);
}

static void push_float(Reader *r) {
  lua_Number value;
  reader_need(r, sizeof value);
  memcpy(&value, r->p, sizeof value);
  r->p += sizeof value;
  lua_pushnumber(r->L, value);
}

static uint32_t read_count(Reader *r, size_t size) {
  uint32_t value = 0;
  reader_need(r, size);
  memcpy(&value, r->p, size);
  r->p += size;
  return value;
}

static void claim(Reader *r, size_t at, uint64_t bytes) {
  r->claimed += bytes;
  if (bytes > reader_left(r) || r->claimed > (size_t)(r->end - r->start))
    reader_damaged(r, at, "a table announces more than there is");
}

static void begin_table(Reader *r, size_t at, unsigned tag) {
  if ((tag & TABLE_LIST8) != 0 && (tag & TABLE_LIST32) != 0) reader_damaged(r, at, "unknown tag %d", (int)tag);
  unsigned log2 = read_count(r, 1);
  uint64_t n = read_count(r, (tag & TABLE_LIST8) != 0 ? 1 : (tag & TABLE_LIST32) != 0 ? 4 : 0);
  if (log2 > 31) reader_damaged(r, at, "a table announces more than there is");
  uint64_t places = log2 == 0 ? 0 : (uint64_t)1 << (log2 - 1);
  claim(r, at, n + places);
  lua_createtable(r->L, n < INT32_MAX ? (int)n : 0, (int)places);
  reader_remember(r, at, tag);
  ReadFrame *f = reader_push(r, READ_TABLE, at, tag, (uint32_t)n);
  f->pairs = places > 0;
}

static void begin_reduce(Reader *r, size_t at, unsigned tag) {
  if (!reader_trusts(r)) reader_damaged(r, at, "a constructor is called with functions = true only");
  uint64_t n = reader_varint(r);
  if (n == 0 || n > INT32_MAX) reader_damaged(r, at, "a constructor is missing");
  claim(r, at, n);
  lua_createtable(r->L, (int)n, 0);
  reader_push(r, READ_REDUCE, at, tag, (uint32_t)n);
}

/* The tags from TAG_FUNCTION on. Pushes a value; false: it became a frame. */
static __attribute__((noinline)) bool read_object(Reader *r, size_t at, unsigned tag) {
  switch (tag & ~TAG_SHARED) {
    case TAG_FUNCTION:
    case TAG_FUNCTION_ID:
    case TAG_FUNCTION_PLAIN: return reader_function(r, at, tag);
    case TAG_REDUCE: begin_reduce(r, at, tag); return false;
    case TAG_MODULE:
    case TAG_NAME:
    case TAG_PATH: reader_name(r, at, tag); return true;
    case TAG_KNOWN: reader_known(r, at, tag); return true;
    case TAG_ORIGIN: reader_origin(r, at, tag); return true;
    default: break;
  }
  if (tag == TAG_REF) {
    unsigned named = r->start[reader_ref(r)] & ~(unsigned)TAG_SHARED;
    bool name = named == TAG_MODULE || named == TAG_NAME || named == TAG_PATH;
    if (name && !reader_at_metatable(r)) reader_check_class(r, at);
  } else if (tag == TAG_GLOBALS && (r->flags & PICKLE_NAMES) != 0) {
    lua_rawgeti(r->L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
  } else {
    reader_damaged(r, at, tag == TAG_GLOBALS ? "the globals need functions = true" : "unknown tag %d", (int)tag);
  }
  return true;
}

/* Reads a value onto the stack; false: it became a frame. */
static inline bool read_value(Reader *r) {
  lua_State *L = r->L;
  reader_need(r, 1);
  unsigned tag = *r->p++;
  if (tag < TAG_STRING) return lua_pushinteger(L, tag), true;
  if (tag < TAG_STRING_REF) return reader_bytes(r, tag - TAG_STRING), true;
  if (tag < TAG_TABLE) return reader_numbered(r, tag - TAG_STRING_REF), true;
  size_t at = reader_offset(r) - 1;
  if (tag < TAG_NIL) return begin_table(r, at, tag), false;
  switch (tag) {
    case TAG_NIL: lua_pushnil(L); return true;
    case TAG_FALSE: lua_pushboolean(L, 0); return true;
    case TAG_TRUE: lua_pushboolean(L, 1); return true;
    case TAG_INT8: push_integer(r, 1); return true;
    case TAG_INT16: push_integer(r, 2); return true;
    case TAG_INT32: push_integer(r, 4); return true;
    case TAG_INT64: push_integer(r, 8); return true;
    case TAG_FLOAT: push_float(r); return true;
    default: return reader_string(r, at, tag) || read_object(r, at, tag);
  }
}

static void check_key(Reader *r, int i) {
  if (lua_isnil(r->L, i)) reader_damaged(r, reader_offset(r), "a key is nil");
  if (lua_type(r->L, i) == LUA_TNUMBER && !lua_rawequal(r->L, i, i))
    reader_damaged(r, reader_offset(r), "a key is NaN");
}

/* A key into its slot, which is empty; false: it became a frame. */
static __attribute__((noinline)) bool read_key(Reader *r, int slot) {
  lua_pushnil(r->L); /* room for its frame to stand where all do */
  if (!read_value(r)) return false;
  lua_replace(r->L, slot + 1);
  check_key(r, slot + 1);
  return true;
}

/* Pairs, until TAG_END; false: a key or value became a frame. The slot of the key is empty between pairs. */
static bool read_pairs(Reader *r, ReadFrame *f, int slot) {
  for (;;) {
    if (f->expect == EXPECT_KEY) {
      reader_need(r, 1);
      unsigned tag = *r->p;
      if (tag == TAG_END) break;
      if (tag >= TAG_STRING_REF && tag < TAG_TABLE) {
        r->p++;
        reader_numbered(r, tag - TAG_STRING_REF);
      } else if (!read_key(r, slot)) {
        return false;
      }
      f->expect = EXPECT_VALUE;
    }
    if (!read_value(r)) return false;
    lua_rawset(r->L, slot);
    f->expect = EXPECT_KEY;
  }
  r->p++;
  return true;
}

/* The value on top, which was a frame, goes where its parent expected it. */
static void attach(Reader *r) {
  ReadFrame *f = &r->frames[r->depth];
  int slot = reader_slot(r, r->depth);
  if (f->kind == READ_FUNCTION) {
    lua_setupvalue(r->L, slot, (int)++f->i);
    return;
  }
  switch ((Expect)f->expect) {
    case EXPECT_ITEM: lua_rawseti(r->L, slot, (lua_Integer)++f->i); break;
    case EXPECT_KEY:
      lua_replace(r->L, slot + 1);
      check_key(r, slot + 1);
      f->expect = EXPECT_VALUE;
      break;
    case EXPECT_VALUE:
      lua_rawset(r->L, slot);
      f->expect = EXPECT_KEY;
      break;
    case EXPECT_META: reader_set_meta(r, slot, f->meta_at); break;
  }
}

static void finish(Reader *r) {
  reader_pop(r);
  attach(r);
}

static void step_table(Reader *r) {
  ReadFrame *f = &r->frames[r->depth];
  lua_State *L = r->L;
  int slot = reader_slot(r, r->depth);
  if (f->expect == EXPECT_ITEM) {
    while (f->i < f->n) {
      if (!read_value(r)) return;
      lua_rawseti(L, slot, (lua_Integer)++f->i);
    }
    lua_settop(L, slot);
    f->expect = EXPECT_KEY;
  }
  if (f->pairs) {
    if (!read_pairs(r, f, slot)) return;
    f->pairs = 0;
  }
  if ((f->tag & TABLE_META) != 0) {
    lua_pushnil(L);
    f->expect = EXPECT_META;
    f->meta_at = reader_offset(r);
    f->tag &= ~TABLE_META;
    if (!read_value(r)) return;
    reader_set_meta(r, slot, f->meta_at);
  }
  finish(r);
}

static void step_function(Reader *r) {
  ReadFrame *f = &r->frames[r->depth];
  int slot = reader_slot(r, r->depth);
  while (f->i < f->n) {
    if (reader_upvalue(r, f)) {
      if (!read_value(r)) return;
      lua_setupvalue(r->L, slot, (int)f->i + 1);
    }
    f->i++;
  }
  finish(r);
}

/* The list {constructor, arguments…} is complete: what the constructor returns takes its place. */
static void construct(Reader *r, const ReadFrame *f) {
  lua_State *L = r->L;
  int slot = reader_slot(r, r->depth);
  size_t at = f->at;
  unsigned tag = f->tag;
  lua_rawgeti(L, slot, 1);
  if (!lua_isfunction(L, -1)) reader_damaged(r, at, "a constructor is a %s", luaL_typename(L, -1));
  if (!lua_checkstack(L, (int)f->n + LUA_MINSTACK)) reader_damaged(r, at, "a constructor has too many arguments");
  for (uint32_t i = 2; i <= f->n; i++) lua_rawgeti(L, slot, (lua_Integer)i);
  int status = error_call(L, (int)f->n - 1, 1);
  if (status != LUA_OK) error_pass_on(L, status);
  lua_replace(L, slot);
  lua_settop(L, slot);
  reader_remember(r, at, tag);
}

static void step_list(Reader *r) {
  ReadFrame *f = &r->frames[r->depth];
  int slot = reader_slot(r, r->depth);
  while (f->i < f->n) {
    if (!read_value(r)) return;
    lua_rawseti(r->L, slot, (lua_Integer)++f->i);
  }
  if (f->kind == READ_ROOTS) {
    r->depth--;
  } else {
    construct(r, f);
    finish(r);
  }
}

static void walk(Reader *r) {
  while (r->depth >= 0) {
    switch (r->frames[r->depth].kind) {
      case READ_TABLE: step_table(r); break;
      case READ_FUNCTION: step_function(r); break;
      default: step_list(r); break;
    }
  }
}

/* Pushes the list of the values. */
static void read_message(Reader *r) {
  lua_State *L = r->L;
  reader_need(r, 1);
  if (*r->p != PICKLE_VERSION) reader_damaged(r, 0, "version %d, where this program reads %d", *r->p, PICKLE_VERSION);
  r->p++;
  uint64_t n = reader_varint(r);
  claim(r, 1, n);
  if (n > INT32_MAX) reader_damaged(r, 1, "too many values");
  lua_createtable(L, (int)n, 0);
  reader_push(r, READ_ROOTS, 0, 0, (uint32_t)n);
  walk(r);
  if (r->p != r->end) reader_damaged(r, reader_offset(r), "bytes follow the end");
  if (r->deferred) reader_set_deferred(r);
}

int pickle_load(lua_State *L, const void *bytes, size_t size, PickleLink *link, unsigned flags, int origins) {
  PickleStream none = {.at = SIZE_MAX};
  return pickle_load_stream(L, bytes, size, link, flags, origins, &none);
}

int pickle_load_stream(lua_State *L, const void *bytes, size_t size, PickleLink *link, unsigned flags, int origins,
                       PickleStream *stream) {
  luaL_checkstack(L, SLOT_OBJECTS + 2 * READ_LEVELS + LUA_MINSTACK, NULL);
  ReadFrame first[READ_FRAMES];
  Reader r = {.L = L, .link = link, .start = bytes, .p = bytes, .flags = flags, .origins = origins, .stream = stream};
  r.hole = reader_next_hole(&r);
  r.track = link != NULL && (flags & PICKLE_TRACK) != 0;
  r.end = r.start + size;
  r.base = lua_gettop(L);
  r.depth = -1;
  r.capacity = READ_FRAMES;
  r.frames = first;
  lua_settop(L, r.base + SLOT_OBJECTS - 1);
  if (r.track) link_track_begin(L, link);
  read_message(&r);
  if (r.track) link_track_end(L, link);
  int list = r.base + SLOT_OBJECTS;
  lua_settop(L, list);
  lua_Unsigned n = first[0].n;
  lua_replace(L, r.base + 1);
  lua_settop(L, r.base + 1);
  luaL_checkstack(L, (int)n, "too many values");
  for (lua_Unsigned i = 1; i <= n; i++) lua_rawgeti(L, r.base + 1, (lua_Integer)i);
  lua_remove(L, r.base + 1);
  return (int)n;
}
