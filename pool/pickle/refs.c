/* A map from addresses to numbers. */
#include "pool/pickle/refs.h"

#include <string.h>

#include "pool/pickle/memory.h"

enum { FIRST_CAPACITY = 32 };

static uint32_t mask_of(const Refs *r) { return 2 * r->capacity - 1; }

static void place(Refs *r, uint32_t entry) {
  uint32_t mask = mask_of(r), i = refs_slot(r, r->entries[entry].address) & mask;
  while (r->slots[i] != 0) i = (i + 1) & mask;
  r->slots[i] = entry + 1;
}

static __attribute__((noinline)) bool grow(Refs *r) { /* apart, so that refs_add needs few registers */
  if (r->capacity > UINT32_MAX / 8) return false;
  uint32_t capacity = r->capacity == 0 ? FIRST_CAPACITY : 4 * r->capacity;
  Ref *entries = pickle_realloc(r->entries, capacity * sizeof *entries);
  if (entries == NULL) return false;
  r->entries = entries;
  uint32_t *slots = pickle_realloc(NULL, 2 * (size_t)capacity * sizeof *slots);
  if (slots == NULL) return false;
  pickle_realloc(r->slots, 0);
  memset(slots, 0, 2 * (size_t)capacity * sizeof *slots);
  r->slots = slots;
  r->capacity = capacity;
  r->shift = __builtin_clzll(2 * (unsigned long long)capacity) + 1;
  for (uint32_t i = 0; i < r->count; i++) place(r, i);
  return true;
}

Ref *refs_add(Refs *r, const void *address, size_t value, bool *added) {
  *added = false;
  if (r->count == r->capacity && !grow(r)) return NULL;
  uint32_t mask = mask_of(r), i = refs_slot(r, address) & mask;
  for (uint32_t at; (at = r->slots[i]) != 0; i = (i + 1) & mask)
    if (r->entries[at - 1].address == address) return &r->entries[at - 1];
  Ref *new = &r->entries[r->count];
  *new = (Ref){address, value};
  r->slots[i] = ++r->count;
  *added = true;
  return new;
}

/* Takes the entries out one by one, the last first: so each is where it was placed. */
static void take_out(Refs *r) {
  uint32_t mask = mask_of(r);
  while (r->count > 0) {
    uint32_t i = refs_slot(r, r->entries[r->count - 1].address) & mask;
    while (r->slots[i] != r->count) i = (i + 1) & mask;
    r->slots[i] = 0;
    r->count--;
  }
}

void refs_reset(Refs *r, uint32_t kept) {
  if (r->capacity > kept) refs_free(r);
  else if (r->count < r->capacity / 16) take_out(r);
  else if (r->count > 0) memset(r->slots, 0, 2 * (size_t)r->capacity * sizeof *r->slots);
  r->count = 0;
}

void refs_free(Refs *r) {
  pickle_realloc(r->entries, 0);
  pickle_realloc(r->slots, 0);
  *r = (Refs){0};
}
