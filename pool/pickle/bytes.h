/* Bytes that grow at their end. Zero is an empty buffer. */
#ifndef GILUA_POOL_PICKLE_BYTES_H
#define GILUA_POOL_PICKLE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "pool/pickle/memory.h"

typedef struct Bytes {
  uint8_t *bytes;
  size_t size, capacity;
} Bytes;

/* bytes_grow makes room for more bytes behind size; false without memory. */
bool bytes_grow(Bytes *b, size_t more);

static inline bool bytes_reserve(Bytes *b, size_t more) {
  return b->capacity - b->size >= more || bytes_grow(b, more);
}

/* bytes_append copies bytes to the end; false without memory. */
static inline bool bytes_append(Bytes *b, const void *bytes, size_t size) {
  if (!bytes_reserve(b, size)) return false;
  if (size > 0) memcpy(b->bytes + b->size, bytes, size);
  b->size += size;
  return true;
}

/* bytes_free gives the memory back; b is empty then. */
void bytes_free(Bytes *b);

#endif
