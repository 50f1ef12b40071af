/* Bytes that grow at their end. */
#include "pool/pickle/buffer.h"

enum { FIRST_CAPACITY = 256 };

bool buffer_grow(Buffer *b, size_t more) {
  if (more > SIZE_MAX / 4 || b->size > SIZE_MAX / 4) return false;
  size_t capacity = b->capacity < FIRST_CAPACITY ? FIRST_CAPACITY : b->capacity;
  while (capacity - b->size < more) capacity *= 2;
  uint8_t *bytes = pickle_realloc(b->bytes, capacity);
  if (bytes == NULL) return false;
  b->bytes = bytes;
  b->capacity = capacity;
  return true;
}

void buffer_free(Buffer *b) {
  pickle_realloc(b->bytes, 0);
  *b = (Buffer){0};
}
