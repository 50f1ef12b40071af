/* What both ends of a channel share. All fields are guarded by the interpreter lock. */
#ifndef GILUA_POOL_PICKLE_LINK_H
#define GILUA_POOL_PICKLE_LINK_H

#include "pool/pickle/names.h"
#include "pool/pickle/pickle.h"

/* Bytecode that a worker was told. */
typedef struct Definition {
  uint64_t id;
  uint8_t *bytes;
  size_t size;
} Definition;

struct PickleLink {
  unsigned options;
  bool worker;
  Names names;       /* what both ends have */
  /* the parent's writer */
  PickleCode **codes; /* hash table by contents, open addressing; at most half full */
  unsigned ncodes;
  size_t code_bytes;
  uint64_t last_id, epoch;
  int known;         /* registry: weak table function -> its PickleCode, of this epoch */
  /* the worker's reader */
  Definition *definitions; /* by rising id, as they arrive */
  unsigned ndefinitions, definition_capacity;
  int ready;         /* registry: id -> function that captures nothing but the globals */
  Refs tracked;      /* what came by value with the newest task: address -> number from 1 */
  int tracked_list;  /* registry: list of it, which keeps the addresses */
};

/* link_code returns the code with those bytes, new or not; NULL without memory. The table keeps the reference. */
PickleCode *link_code(lua_State *L, PickleLink *link, const void *bytes, size_t size);

/* link_known returns the code of the function at index i if it was written before, or NULL; link_know notes it. Raw
 * accesses; link_know may raise a memory error. */
PickleCode *link_known(lua_State *L, PickleLink *link, int i);
void link_know(lua_State *L, PickleLink *link, int i, PickleCode *code);

/* link_prepare makes what link_know needs; before the walk, because it allocates in Lua. */
void link_prepare(lua_State *L, PickleLink *link);

/* link_free_codes drops the codes and the definitions. */
void link_free_codes(lua_State *L, PickleLink *link);

/* link_definition returns what the worker was told of an id, or NULL. */
const Definition *link_definition(const PickleLink *link, uint64_t id);

/* link_track_begin forgets what came with an earlier task; link_track notes the object at index i as the next that came
 * by value, unless it was noted; link_tracked returns the number of an object, or 0. They raise memory errors. */
void link_track_begin(lua_State *L, PickleLink *link);
void link_track(lua_State *L, PickleLink *link, int i);
size_t link_tracked(const PickleLink *link, const void *address);

#endif
