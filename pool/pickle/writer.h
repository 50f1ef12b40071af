/* The writer: state of one pickle_dump, kept from one to the next so that small messages allocate nothing. */
#ifndef GILUA_POOL_PICKLE_WRITER_H
#define GILUA_POOL_PICKLE_WRITER_H

#include "pool/pickle/bytes.h"
#include "pool/pickle/link.h"

enum {
  WRITER_STRINGS = 256, /* entries of the cache of short strings */
  STRING_PATIENCE = 8,
  STACK_LEVELS = 48,    /* so many levels stand on the Lua stack, deeper ones in a table */
  UNTIDY = 16           /* so many pairs of a list may be left on the stack */
};

typedef enum FrameKind { FRAME_ROOTS, FRAME_TABLE, FRAME_FUNCTION, FRAME_REDUCE } FrameKind;

/* Where the walk is in a table. PHASE_REST: in what the table's order did not give of the list. PHASE_KEY: inside a key
 * that is itself a table or such. */
typedef enum Phase { PHASE_LIST, PHASE_REST, PHASE_PAIRS, PHASE_KEY, PHASE_META, PHASE_DONE } Phase;

/* A value that is being written. Its object stands at the frame's slot, the key behind it (writer_slot). */
typedef struct WriteFrame {
  size_t at;    /* of its tag in the buffer */
  size_t pairs; /* written */
  uint32_t i, n; /* elements, upvalues, arguments: done, and all */
  FrameKind kind;
  Phase phase;
  uint32_t rest; /* the list from here on to i was written in PHASE_REST: its keys come once more */
} WriteFrame;

/* A short string that was met: written in full once, defined the second time, referred to from then on. Entries of an
 * older generation are void; one that is pushed out by another string only costs space. One that has a number is not
 * pushed out by strings that occur once, as keys of records stand among their values. */
typedef struct WriterString {
  const char *address;
  uint32_t generation;
  uint32_t number; /* of the definition + 1, 0: there is none so far */
  uint32_t passed; /* others that came to this place since it was met */
} WriterString;

/* Why a walk begins again, and in which mode:
 *
 *   RESTART_NAMES      a class, a function or a userdata was met: names are looked up, those of an earlier message
 * first
 *   RESTART_FRESH      something has no name among these: they are collected anew
 *   RESTART_CLASSES    a table was written by value before it was met as a metatable, and it has a name
 *   RESTART_ANCHORING  a __reduce is to be called, which may drop what was met: everything met is kept alive
 *   RESTART_CODES      a __reduce wrote to the same link: the codes are of two epochs
 *   RESTART_AGAIN      a __reduce knows only now what else is in the message (PICKLE_SHARES)
 *   RESTART_LOOK       what came as a metatable is a value: the worker is to look whether it is changed
 *   RESTART_CHANGED    what was written as the metatable that it came as is a value, too, and holds something else now
 */
enum { RESTART_NAMES = 1, RESTART_FRESH = 2, RESTART_CLASSES = 4, RESTART_ANCHORING = 8, RESTART_CODES = 16, RESTART_CHANGED = 32,
       RESTART_LOOK = 64, RESTART_AGAIN = 128 };

typedef struct Writer {
  lua_State *L;
  PickleLink *link;    /* or NULL */
  Bytes out, scratch;
  Refs refs;           /* object, long string or upvalue -> place of its tag in the buffer */
  Refs origins;        /* functions and metatables written by value -> number */
  Refs classes;        /* tables of which an earlier walk found that they go by name */
  Refs changed;        /* metatables of the task of which one found that they go by value */
  bool root_origin;    /* there is one, the function at `first`, and it is not in the list */
  WriteFrame *frames;
  int depth, frame_capacity;
  WriterString strings[WRITER_STRINGS];
  uint32_t generation, string_count;
  PicklePiece *pieces;
  unsigned npieces, piece_capacity;
  bool pins; /* a userdata that was sent by its __reduce lives as long as the message: the pins hold it, too */
  PickleCode **codes;
  unsigned ncodes, code_capacity;
  Names own_names;     /* of messages that stand alone, kept from one to the next of the same scope */
  NameScope own_scope;
  const Names *names;  /* own_names or the link's; NULL: none was needed so far */
  unsigned restart;    /* why the walk must begin again; 0: it goes on */
  unsigned mode;       /* the restarts that were made */
  lua_Integer anchored;
  const void *globals, *plain_meta; /* plain_meta: a metatable that asks for nothing special */
  const void *settled_meta;         /* one that goes as it was written */
  int first;           /* index of the first root */
  PickleRoot root;
  int base;            /* slots from here, see below */
  unsigned small;      /* messages since the last large one */
  bool busy, spilled;
} Writer;

/* Slots of the Lua stack behind base. */
enum { SLOT_WRITER = 1, SLOT_LOADED, SLOT_SPILL, SLOT_ANCHOR, SLOT_PINS, SLOT_ORIGINS, SLOT_SHARES, SLOT_FIELDS, SLOT_FRAMES };

/* writer_slot is the index of the object of the frame at depth, if that is not spilled. */
static inline int writer_slot(const Writer *w, int depth) {
  return w->base + SLOT_FRAMES + 2 * (depth < STACK_LEVELS ? depth : STACK_LEVELS);
}

/* writer_begin pushes the slots and returns a writer; scope: which names a message that stands alone may use. writer_renew
 * takes the lists that were used out of the writer; the last that may raise. writer_release ends its use; the slots are
 * the caller's to pop. An error releases it, or leaves it to the collector. */
Writer *writer_begin(lua_State *L, PickleLink *link, NameScope scope);
void writer_renew(Writer *w);
void writer_release(Writer *w);

/* writer_forget empties what a walk has written. */
void writer_forget(Writer *w);

/* writer_push makes a frame of the value on top; writer_pop ends the innermost, and the parent's object and key are
 * back. writer_want_names has the walk begin again if there are names that it does not know. */
WriteFrame *writer_push(Writer *w, FrameKind kind, size_t at, uint32_t n);
void writer_pop(Writer *w);
void writer_want_names(Writer *w);

/* writer_changed: the object on top came as a metatable, and is something else now, or the walk begins again. */
bool writer_changed(Writer *w);

/* writer_is_metatable tells whether the value that is next is a metatable. */
static inline bool writer_is_metatable(const Writer *w) {
  const WriteFrame *parent = &w->frames[w->depth];
  return parent->kind == FRAME_TABLE && parent->phase == PHASE_META;
}

_Noreturn void writer_no_memory(Writer *w);

#endif
