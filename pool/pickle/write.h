/* The writer: state of one pickle_dump, kept from one to the next so that small messages allocate nothing. */
#ifndef GILUA_POOL_PICKLE_WRITE_H
#define GILUA_POOL_PICKLE_WRITE_H

#include "pool/pickle/bytes.h"
#include "pool/pickle/link.h"

enum {
  WRITER_STRINGS = 256, /* entries of the cache of short strings */
  STACK_LEVELS = 48     /* so many levels stand on the Lua stack, deeper ones in a table */
};

typedef enum FrameKind { FRAME_ROOTS, FRAME_TABLE, FRAME_FUNCTION, FRAME_REDUCE } FrameKind;

/* Where the walk is in a table. PHASE_KEY: inside a key that is itself a table or such. */
typedef enum Phase { PHASE_LIST, PHASE_PAIRS, PHASE_KEY, PHASE_META, PHASE_DONE } Phase;

/* A value that is being written. Its object stands at the frame's slot, the key behind it (writer_slot). */
typedef struct WriteFrame {
  size_t at;    /* of its tag in the buffer */
  size_t pairs; /* written */
  uint32_t i, n; /* elements, upvalues, arguments: done, and all */
  FrameKind kind;
  Phase phase;
} WriteFrame;

/* A short string that was met: written in full once, defined the second time, referred to from then on. Entries of an
 * older generation are void; one that is pushed out by another string only costs space. */
typedef struct WriterString {
  const char *address;
  uint32_t generation, number; /* number: that of the definition + 1, 0: there is none so far */
} WriterString;

enum { RESTART_NAMES = 1, RESTART_ANCHORING = 2, RESTART_CAREFUL = 4, RESTART_FRESH = 8 };

typedef struct Writer {
  lua_State *L;
  PickleLink *link;    /* or NULL */
  Bytes out, scratch;
  Refs refs;           /* object, long string or upvalue -> place of its tag in the buffer */
  Refs origins;        /* functions and metatables written by value -> number */
  bool root_origin;    /* there is one, the function at `first`, and it is not in the list */
  WriteFrame *frames;
  int depth, frame_capacity;
  WriterString strings[WRITER_STRINGS];
  uint32_t generation, string_count;
  PicklePiece *pieces;
  unsigned npieces, piece_capacity;
  PickleCode **codes;
  unsigned ncodes, code_capacity;
  Names own_names;     /* of messages that stand alone, kept from one to the next */
  const Names *names;  /* NULL: none was needed so far */
  unsigned restart;    /* why the walk must begin again; 0: it goes on */
  unsigned mode;       /* the restarts that were made */
  lua_Integer anchored;
  const void *globals, *plain_meta; /* plain_meta: a metatable that asks for nothing special */
  int first;           /* index of the first root */
  PickleRoot root;
  int base;            /* slots from here, see below */
  unsigned small;      /* messages since the last large one */
  bool busy, spilled;
} Writer;

/* Slots of the Lua stack behind base. */
enum { SLOT_WRITER = 1, SLOT_LOADED, SLOT_SPILL, SLOT_ANCHOR, SLOT_PINS, SLOT_ORIGINS, SLOT_FIELDS, SLOT_FRAMES };

/* writer_slot is the index of the object of the frame at depth, if that is not spilled. */
static inline int writer_slot(const Writer *w, int depth) {
  return w->base + SLOT_FRAMES + 2 * (depth < STACK_LEVELS ? depth : STACK_LEVELS);
}

/* writer_begin pushes the slots and returns a writer. writer_run writes n values into out, pieces, codes and the lists at
 * SLOT_PINS and SLOT_ORIGINS. writer_renew takes the lists that were used out of the writer; the last that may raise.
 * writer_release ends its use; the slots are the caller's to pop. An error releases it, or leaves it to the collector. */
Writer *writer_begin(lua_State *L, PickleLink *link);
void writer_run(Writer *w, int first, int n, PickleRoot root);
void writer_renew(Writer *w);
void writer_release(Writer *w);

/* writer_forget empties what a walk has written. */
void writer_forget(Writer *w);

/* For the files of the writer. writer_value writes the value on top of the stack and pops it; false: it became a frame,
 * or the walk must begin again. writer_push makes a frame of the value on top. writer_function begins or writes the Lua
 * function on top, whose tag belongs at `at`. */
bool writer_value(Writer *w);
WriteFrame *writer_push(Writer *w, FrameKind kind, size_t at, uint32_t n);
void writer_pop(Writer *w);
bool writer_function(Writer *w, size_t at);
void writer_step_function(Writer *w);
void writer_origin(Writer *w, int i);
void writer_varint(Writer *w, uint64_t value);
void writer_offset(Writer *w, size_t at);
_Noreturn void writer_no_memory(Writer *w);

/* writer_refuse raises `pickle` with the path of the value on top. */
_Noreturn void writer_refuse(Writer *w, const char *why);

/* path_push pushes the path of the value that is being written: args[2].handlers.on_done upvalue "db" */
void path_push(Writer *w);

static inline void writer_reserve(Writer *w, size_t more) {
  if (!bytes_reserve(&w->out, more)) writer_no_memory(w);
}

/* writer_byte appends to room that was reserved. */
static inline void writer_byte(Writer *w, unsigned byte) { w->out.bytes[w->out.size++] = (uint8_t)byte; }

#endif
