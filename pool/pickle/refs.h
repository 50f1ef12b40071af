/* A map from addresses to numbers: what a message has met already, what leads to a name. Addresses are stable while no
 * collector runs, so no Lua memory is needed.
 *
 * Source of the layout: Python's dict since 3.6. The entries stand in order of arrival, the hash table has their
 * indexes only, so that it stays in the cache four times as long.
 */
#ifndef GILUA_POOL_PICKLE_REFS_H
#define GILUA_POOL_PICKLE_REFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Ref {
  const void *address;
  size_t value;
} Ref;

/* Zero is an empty map. */
typedef struct Refs {
  Ref *entries;
  uint32_t *slots;    /* index of an entry + 1, 0: free; linear probing */
  uint32_t count, capacity; /* of entries; there are twice as many slots, a power of two */
  int shift;          /* 64 - log2 of the slots */
} Refs;

/* Fibonacci hashing of each kilobyte, objects in it side by side: what was made together is met together, and so finds
 * its slots in the cache. */
static inline uint32_t refs_slot(const Refs *r, const void *address) {
  uintptr_t a = (uintptr_t)address;
  return (uint32_t)((a >> 10) * 0x9E3779B97F4A7C15u >> r->shift) + (uint32_t)(a >> 4 & 63);
}

/* refs_find returns the entry of an address, or NULL. Inline: every table of a message is looked for, few are found. */
static inline Ref *refs_find(const Refs *r, const void *address) {
  if (r->count == 0) return NULL;
  uint32_t mask = 2 * r->capacity - 1;
  for (uint32_t i = refs_slot(r, address) & mask, at; (at = r->slots[i]) != 0; i = (i + 1) & mask)
    if (r->entries[at - 1].address == address) return &r->entries[at - 1];
  return NULL;
}

/* refs_add returns the entry of an address that may be there; a new one has the value given and sets *added. Returns
 * NULL without memory. The entry moves at the next refs_add. */
Ref *refs_add(Refs *r, const void *address, size_t value, bool *added);

/* refs_reset empties the map and keeps its memory, unless that is for more than `kept` entries; refs_free keeps none.
 * */
void refs_reset(Refs *r, uint32_t kept);
void refs_free(Refs *r);

#endif
