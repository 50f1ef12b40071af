/* The reader: state of one pickle_load. It lives on the C stack and owns nothing but what the Lua stack holds, so an
 * error from anywhere may pass. */
#ifndef GILUA_POOL_PICKLE_READER_H
#define GILUA_POOL_PICKLE_READER_H

#include "pool/pickle/link.h"

enum { READ_LEVELS = 48, READ_FRAMES = 64 };

typedef enum ReadKind { READ_ROOTS, READ_TABLE, READ_FUNCTION, READ_REDUCE } ReadKind;

/* What the next value will be. */
typedef enum Expect { EXPECT_ITEM, EXPECT_KEY, EXPECT_VALUE, EXPECT_META } Expect;

/* An object that is being filled; it stands at its slot, a key or nil behind it. */
typedef struct ReadFrame {
  size_t at;     /* offset of its tag */
  size_t meta_at; /* offset of the metatable's value */
  uint32_t i, n; /* items done, and all */
  uint8_t kind, expect, tag, pairs;
} ReadFrame;

typedef struct Reader {
  lua_State *L;
  PickleLink *link;
  const uint8_t *start, *p, *end;
  unsigned flags;
  int origins;       /* registry, or LUA_NOREF */
  PickleStream *stream; /* or NULL */
  const uint8_t *hole;  /* where its next string should be, or NULL */
  size_t claimed;    /* bytes that table headers announced; no more than there are */
  uint64_t strings;  /* numbered so far */
  bool deferred;     /* metatables are still to be set */
  bool track;        /* a task: numbers stand behind what came by value */
  size_t checked_meta; /* offset of the metatable that was checked last; 0: none */
  int base, depth, capacity;
  ReadFrame *frames; /* an array of the caller's, or a userdata at SLOT_READ_FRAMES */
} Reader;

enum {
  SLOT_REFS = 1,      /* offset -> object; -offset -> number of a captured variable */
  SLOT_STRINGS,       /* number -> string */
  SLOT_READ_SPILL,
  SLOT_DEFERRED,      /* table, metatable, … */
  SLOT_READ_FRAMES,
  SLOT_READ_LOADED,
  SLOT_OBJECTS
};

static inline int reader_slot(const Reader *r, int depth) {
  return r->base + SLOT_OBJECTS + 2 * (depth < READ_LEVELS ? depth : READ_LEVELS);
}

/* reader_damaged raises `pickle` with the offset at. */
_Noreturn void reader_damaged(Reader *r, size_t at, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Whether the message may make code run. */
static inline bool reader_trusts(const Reader *r) { return (r->flags & (PICKLE_NAMES | PICKLE_FUNCTIONS)) != 0; }

static inline size_t reader_offset(const Reader *r) { return (size_t)(r->p - r->start); }
static inline size_t reader_left(const Reader *r) { return (size_t)(r->end - r->p); }

static inline void reader_need(Reader *r, size_t size) {
  if (reader_left(r) < size) reader_damaged(r, reader_offset(r), "the bytes end early");
}

uint64_t reader_varint(Reader *r);

/* reader_size is a varint that counts bytes which must be there. */
size_t reader_size(Reader *r);

/* Whether the value that is next is a metatable. */
static inline bool reader_at_metatable(const Reader *r) {
  const ReadFrame *f = &r->frames[r->depth];
  return f->kind == READ_TABLE && f->expect == EXPECT_META;
}

/* reader_bytes pushes the string of the next bytes. reader_hole pushes the one that is not there; reader_next_hole is where
 * the next such string should be, or NULL. */
const uint8_t *reader_next_hole(const Reader *r);
void reader_hole(Reader *r, size_t size);
static inline void reader_bytes(Reader *r, size_t size) {
  reader_need(r, size);
  if (r->p == r->hole) reader_hole(r, size);
  else lua_pushlstring(r->L, (const char *)r->p, size);
  r->p += size;
}

/* reader_numbered pushes the string that was numbered so. */
static inline void reader_numbered(Reader *r, uint64_t number) {
  if (number >= r->strings) reader_damaged(r, reader_offset(r), "a reference leads to no string");
  lua_rawgeti(r->L, r->base + SLOT_STRINGS, (lua_Integer)number + 1);
}

/* reader_string pushes the string that has its tag read, at offset `at`; false: it is the tag of something else.
 * reader_key: a string must be next, one of a name. */
bool reader_string(Reader *r, size_t at, unsigned tag);
void reader_key(Reader *r);

/* reader_push makes a frame of the object on top. reader_pop ends the innermost, whose object becomes the value that
 * its parent expected, on top of the parent's key. */
ReadFrame *reader_push(Reader *r, ReadKind kind, size_t at, unsigned tag, uint32_t n);
void reader_pop(Reader *r);

/* reader_remember keeps the object on top under the offset of its tag, if the tag says that it will be asked for.
 * reader_ref pushes what is kept under the offset that is next, and returns that. reader_make_table puts a table into
 * an empty slot. */
void reader_remember(Reader *r, size_t at, unsigned tag);
size_t reader_ref(Reader *r);
void reader_make_table(Reader *r, int slot);

#endif
