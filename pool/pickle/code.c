/* Bytecode that a link names by id: the parent's table, and what a worker was told. The table is bounded. When it is
 * full it is left behind, its codes living on in the messages that name them, and a new epoch begins.
 *
 * PickleCode.refs  up: relaxed, by somebody who has a reference; down: release, and acquire by the last, who frees.
 */
#include <lauxlib.h>
#include <string.h>

#include "pool/pickle/link.h"
#include "pool/pickle/memory.h"

enum { CODE_SLOTS = 4096, MOST_CODES = CODE_SLOTS / 2, MOST_CODE_BYTES = 16 * 1024 * 1024 };

void pickle_code_keep(PickleCode *code) { atomic_fetch_add_explicit(&code->refs, 1, memory_order_relaxed); }

void pickle_code_drop(PickleCode *code) {
  if (atomic_fetch_sub_explicit(&code->refs, 1, memory_order_acq_rel) == 1) pickle_realloc(code, 0);
}

/* Eight bytes at a time; equal hashes are compared in full. */
static uint64_t hash_of(const void *bytes, size_t size) {
  const uint8_t *p = bytes;
  uint64_t h = size * 0x9E3779B97F4A7C15u, word;
  for (; size >= 8; p += 8, size -= 8) {
    memcpy(&word, p, 8);
    h = (h ^ word) * 0xFF51AFD7ED558CCDu;
    h ^= h >> 32;
  }
  word = 0;
  if (size > 0) memcpy(&word, p, size);
  h = (h ^ word) * 0xFF51AFD7ED558CCDu;
  return h ^ h >> 29;
}

static void new_epoch(lua_State *L, PickleLink *link) {
  for (unsigned i = 0; link->codes != NULL && i < CODE_SLOTS; i++)
    if (link->codes[i] != NULL) pickle_code_drop(link->codes[i]);
  pickle_realloc(link->codes, 0);
  link->codes = NULL;
  link->ncodes = 0;
  link->code_bytes = 0;
  link->epoch++;
  if (link->known != LUA_NOREF) {
    luaL_unref(L, LUA_REGISTRYINDEX, link->known);
    link->known = LUA_NOREF;
  }
}

PickleCode *link_code(lua_State *L, PickleLink *link, const void *bytes, size_t size) {
  if (link->ncodes >= MOST_CODES || link->code_bytes > MOST_CODE_BYTES) new_epoch(L, link);
  if (link->codes == NULL) {
    link->codes = pickle_realloc(NULL, CODE_SLOTS * sizeof *link->codes);
    if (link->codes == NULL) return NULL;
    memset(link->codes, 0, CODE_SLOTS * sizeof *link->codes);
  }
  uint64_t hash = hash_of(bytes, size);
  unsigned i = (unsigned)hash & (CODE_SLOTS - 1);
  for (PickleCode *c; (c = link->codes[i]) != NULL; i = (i + 1) & (CODE_SLOTS - 1))
    if (c->hash == hash && c->size == size && memcmp(c->bytes, bytes, size) == 0) return c;
  PickleCode *code = pickle_realloc(NULL, sizeof *code + size);
  if (code == NULL) return NULL;
  atomic_init(&code->refs, 1);
  code->id = ++link->last_id;
  code->epoch = link->epoch;
  code->hash = hash;
  code->size = size;
  memcpy(code->bytes, bytes, size);
  link->codes[i] = code;
  link->ncodes++;
  link->code_bytes += size;
  return code;
}

PickleCode *link_known(lua_State *L, PickleLink *link, int i) {
  if (link->known == LUA_NOREF) return NULL;
  lua_rawgeti(L, LUA_REGISTRYINDEX, link->known);
  lua_pushvalue(L, i);
  lua_rawget(L, -2);
  PickleCode *code = lua_touserdata(L, -1);
  lua_pop(L, 2);
  return code;
}

void link_know(lua_State *L, PickleLink *link, int i, PickleCode *code) {
  if (link->known == LUA_NOREF) return; /* full in the middle of this message */
  lua_rawgeti(L, LUA_REGISTRYINDEX, link->known);
  lua_pushvalue(L, i);
  lua_pushlightuserdata(L, code);
  lua_rawset(L, -3);
  lua_pop(L, 1);
}

int pickle_link_define(PickleLink *link, uint64_t id, const void *bytes, size_t size) {
  if (link_definition(link, id) != NULL) return 0;
  if (link->ndefinitions == link->definition_capacity) {
    unsigned capacity = link->definition_capacity == 0 ? 16 : 2 * link->definition_capacity;
    Definition *all = pickle_realloc(link->definitions, capacity * sizeof *all);
    if (all == NULL) return -1;
    link->definitions = all;
    link->definition_capacity = capacity;
  }
  uint8_t *copy = pickle_realloc(NULL, size + 1);
  if (copy == NULL) return -1;
  memcpy(copy, bytes, size);
  unsigned at = link->ndefinitions++;
  for (; at > 0 && link->definitions[at - 1].id > id; at--) link->definitions[at] = link->definitions[at - 1];
  link->definitions[at] = (Definition){id, copy, size};
  return 0;
}

const Definition *link_definition(const PickleLink *link, uint64_t id) {
  unsigned low = 0, high = link->ndefinitions;
  while (low < high) {
    unsigned middle = low + (high - low) / 2;
    if (link->definitions[middle].id < id) low = middle + 1;
    else high = middle;
  }
  return low < link->ndefinitions && link->definitions[low].id == id ? &link->definitions[low] : NULL;
}

void pickle_link_forget(lua_State *L, PickleLink *link) {
  for (unsigned i = 0; i < link->ndefinitions; i++) pickle_realloc(link->definitions[i].bytes, 0);
  pickle_realloc(link->definitions, 0);
  link->definitions = NULL;
  link->ndefinitions = link->definition_capacity = 0;
  luaL_unref(L, LUA_REGISTRYINDEX, link->ready);
  link->ready = LUA_NOREF;
}

void link_free_codes(lua_State *L, PickleLink *link) {
  new_epoch(L, link);
  pickle_link_forget(L, link);
}
