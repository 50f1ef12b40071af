/* Bytecode that a link names by id: the parent's table, and what a worker was told. The table is bounded. When it is
 * full it is left behind between two messages, its codes living on in the messages that name them, and a new epoch
 * begins, in which ids begin at 1 again.
 *
 * PickleCode.refs  up: relaxed, by somebody who has a reference; down: release, and acquire by the last, who frees.
 */
#include <lauxlib.h>
#include <string.h>

#include "pool/pickle/link.h"
#include "pool/pickle/memory.h"
#include "runtime/state/weak.h"

enum { FIRST_SLOTS = 64, MOST_CODES = 2048, MOST_CODE_BYTES = 16 * 1024 * 1024, MOST_DEFINITIONS = 1 << 24 };

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
  for (unsigned i = 0; i < link->code_slots; i++)
    if (link->codes[i] != NULL) pickle_code_drop(link->codes[i]);
  pickle_realloc(link->codes, 0);
  link->codes = NULL;
  link->ncodes = link->code_slots = 0;
  link->code_bytes = 0;
  link->epoch++;
  luaL_unref(L, LUA_REGISTRYINDEX, link->written);
  link->written = LUA_NOREF;
}

void link_prepare(lua_State *L, PickleLink *link) {
  if (link->modules == LUA_NOREF) pickle_names_snapshot(L, link);
  if (link->worker) return;
  if (link->ncodes >= MOST_CODES || link->code_bytes > MOST_CODE_BYTES) new_epoch(L, link);
  if (link->written != LUA_NOREF) return;
  weak_new(L, "k");
  link->written = luaL_ref(L, LUA_REGISTRYINDEX);
}

/* The slot of the code with those bytes, or a free one. */
static unsigned slot_of(const PickleLink *link, uint64_t hash, const void *bytes, size_t size) {
  unsigned mask = link->code_slots - 1, i = (unsigned)hash & mask;
  for (const PickleCode *c; (c = link->codes[i]) != NULL; i = (i + 1) & mask)
    if (c->hash == hash && c->size == size && memcmp(c->bytes, bytes, size) == 0) break;
  return i;
}

static bool grow(PickleLink *link) {
  PickleCode **old = link->codes;
  unsigned n = link->code_slots, slots = n == 0 ? FIRST_SLOTS : 2 * n;
  PickleCode **codes = pickle_realloc(NULL, slots * sizeof(PickleCode *));
  if (codes == NULL) return false;
  memset(codes, 0, slots * sizeof(PickleCode *));
  link->codes = codes;
  link->code_slots = slots;
  for (unsigned i = 0; i < n; i++)
    if (old[i] != NULL) codes[slot_of(link, old[i]->hash, old[i]->bytes, old[i]->size)] = old[i];
  pickle_realloc(old, 0);
  return true;
}

PickleCode *link_code(PickleLink *link, const void *bytes, size_t size) {
  if (2 * link->ncodes >= link->code_slots && !grow(link)) return NULL;
  uint64_t hash = hash_of(bytes, size);
  unsigned i = slot_of(link, hash, bytes, size);
  if (link->codes[i] != NULL) return link->codes[i];
  PickleCode *code = pickle_realloc(NULL, sizeof *code + size);
  if (code == NULL) return NULL;
  atomic_init(&code->refs, 1);
  code->id = ++link->ncodes;
  code->epoch = link->epoch;
  code->hash = hash;
  code->size = size;
  memcpy(code->bytes, bytes, size);
  link->codes[i] = code;
  link->code_bytes += size;
  return code;
}

PickleCode *link_written(lua_State *L, PickleLink *link, int i) {
  lua_rawgeti(L, LUA_REGISTRYINDEX, link->written);
  lua_pushvalue(L, i);
  lua_rawget(L, -2);
  PickleCode *code = lua_touserdata(L, -1);
  lua_pop(L, 2);
  return code;
}

void link_note_written(lua_State *L, PickleLink *link, int i, PickleCode *code) {
  lua_rawgeti(L, LUA_REGISTRYINDEX, link->written);
  lua_pushvalue(L, i);
  lua_pushlightuserdata(L, code);
  lua_rawset(L, -3);
  lua_pop(L, 1);
}

int pickle_link_define(PickleLink *link, uint64_t id, const void *bytes, size_t size) {
  if (link_definition(link, id) != NULL) return 0;
  if (id == 0 || id > MOST_DEFINITIONS) return -1;
  if (id > link->ndefinitions) {
    size_t n = link->ndefinitions == 0 ? 16 : link->ndefinitions;
    while (n < id) n *= 2;
    Definition *all = pickle_realloc(link->definitions, n * sizeof *all);
    if (all == NULL) return -1;
    memset(all + link->ndefinitions, 0, (n - link->ndefinitions) * sizeof *all);
    link->definitions = all;
    link->ndefinitions = n;
  }
  uint8_t *copy = pickle_realloc(NULL, size + 1);
  if (copy == NULL) return -1;
  memcpy(copy, bytes, size);
  link->definitions[id - 1] = (Definition){copy, size};
  return 0;
}

const Definition *link_definition(const PickleLink *link, uint64_t id) {
  const Definition *d = id > 0 && id <= link->ndefinitions ? &link->definitions[id - 1] : NULL;
  return d != NULL && d->bytes != NULL ? d : NULL;
}

void pickle_link_forget(lua_State *L, PickleLink *link) {
  for (size_t i = 0; i < link->ndefinitions; i++) pickle_realloc(link->definitions[i].bytes, 0);
  pickle_realloc(link->definitions, 0);
  link->definitions = NULL;
  link->ndefinitions = 0;
  luaL_unref(L, LUA_REGISTRYINDEX, link->ready);
  link->ready = LUA_NOREF;
}

void link_free_codes(lua_State *L, PickleLink *link) {
  new_epoch(L, link);
  pickle_link_forget(L, link);
}
