/* What both ends of a channel share. All fields are guarded by the interpreter lock.
 *
 *   what                      said by                                 known at the other end by
 *   an object of the fork     its number (TAG_KNOWN)                  the list `objects`, which the fork copied
 *   what a later module has   its name (TAG_NAME …)                   require
 *   bytecode                  its id, after RECORD_DEFINE             `definitions`
 *   what came by value        the number that came with it, back as   `tracked` in the worker, PickleMessage.origins
 * here
 *                             TAG_ORIGIN
 */
#ifndef GILUA_POOL_PICKLE_LINK_H
#define GILUA_POOL_PICKLE_LINK_H

#include "pool/pickle/marks.h"
#include "pool/pickle/names.h"
#include "pool/pickle/pickle.h"

/* Bytecode that a worker was told. */
typedef struct Definition {
  uint8_t *bytes; /* NULL: it was not told */
  size_t size;
} Definition;

struct PickleLink {
  bool spawn, worker;
  Refs known;        /* what both ends had at the fork: address -> number << 2 | level of its name; see link_known */
  lua_Integer nknown;
  int objects;       /* registry: list of it; weak in the program, which may drop what it likes */
  int modules;       /* registry: which modules the other end has, or can be asked for (modules_push) */
  Names names;       /* of modules that came later, or of all */
  /* the parent's writer */
  PickleCode **codes; /* hash table by contents, open addressing; at most half full */
  unsigned ncodes, code_slots;
  size_t code_bytes;
  uint64_t epoch;
  int written;       /* registry: weak table function -> its PickleCode, of this epoch */
  /* the worker's reader */
  Definition *definitions; /* by id */
  size_t ndefinitions;
  int ready;         /* registry: id -> function that captures nothing but the globals */
  Refs tracked;      /* what came by value with the newest task: address -> its number there */
  int tracked_list;  /* registry: list of it, which keeps the addresses */
  Marks marks;       /* what the tables among it held */
};

/* link_known returns the number of the object at index i if it is one that both ends had at the fork, else 0, and how
 * many keys its name had then, up to 3. link_push_known pushes the object of a number; nil: it is not here any more. */
lua_Integer link_known(lua_State *L, const PickleLink *link, int i, unsigned *level);
void link_push_known(lua_State *L, const PickleLink *link, uint64_t number);

/* link_has_later tells whether there are modules that the other end may not have loaded; link_collect_names names what
 * they have; it may raise a memory error, the other makes raw accesses only. */
bool link_has_later(lua_State *L, const PickleLink *link);
void link_collect_names(lua_State *L, PickleLink *link);

/* link_prepare makes what writing needs; before the walk, because it allocates in Lua. A message names codes of one
 * epoch only, so a full table of codes is left behind here. */
void link_prepare(lua_State *L, PickleLink *link);

/* link_code returns the code with those bytes, new or not; NULL without memory. The table keeps the reference. */
PickleCode *link_code(PickleLink *link, const void *bytes, size_t size);

/* link_written returns the code of the function at index i if it was written before, or NULL; link_note_written notes
 * it. Raw accesses; link_note_written may raise a memory error. */
PickleCode *link_written(lua_State *L, PickleLink *link, int i);
void link_note_written(lua_State *L, PickleLink *link, int i, PickleCode *code);

/* link_free_codes drops the codes and the definitions. */
void link_free_codes(lua_State *L, PickleLink *link);

/* link_definition returns what the worker was told of an id, or NULL. */
const Definition *link_definition(const PickleLink *link, uint64_t id);

/* link_track_begin forgets what came with an earlier task; link_track notes the object at index i, which came by value
 * with that number; link_track_end, that they are complete. link_look finds out which of them were changed since, or
 * lead to what was. They raise memory errors. link_tracked returns the number of an object, or 0. link_changed tells what link_look
 * has found of the table at index i, which has one. */
void link_track_begin(lua_State *L, PickleLink *link);
void link_track(lua_State *L, PickleLink *link, int i, uint64_t number);
void link_track_end(lua_State *L, PickleLink *link);
void link_look(lua_State *L, PickleLink *link);
size_t link_tracked(const PickleLink *link, const void *address);
bool link_changed(lua_State *L, const PickleLink *link, int i);

#endif
