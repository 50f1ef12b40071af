/* Bytes that grow at their end. Zero is an empty buffer. */
#ifndef GILUA_POOL_PICKLE_BUFFER_H
#define GILUA_POOL_PICKLE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "pool/pickle/memory.h"

typedef struct Buffer {
  uint8_t *bytes;
  size_t size, capacity;
} Buffer;

/* buffer_grow makes room for more bytes behind size; false without memory. */
bool buffer_grow(Buffer *b, size_t more);

static inline bool buffer_reserve(Buffer *b, size_t more) {
  return b->capacity - b->size >= more || buffer_grow(b, more);
}

/* buffer_append copies bytes to the end; false without memory. */
static inline bool buffer_append(Buffer *b, const void *bytes, size_t size) {
  if (!buffer_reserve(b, size)) return false;
  if (size > 0) memcpy(b->bytes + b->size, bytes, size);
  b->size += size;
  return true;
}

/* buffer_free gives the memory back; b is empty then. */
void buffer_free(Buffer *b);

#endif
