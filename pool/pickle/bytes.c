/* Bytes that grow at their end. */
#include "pool/pickle/bytes.h"

enum { FIRST_CAPACITY = 256 };

bool bytes_grow(Bytes *b, size_t more) {
  if (more > SIZE_MAX / 4 || b->size > SIZE_MAX / 4) return false;
  size_t capacity = b->capacity < FIRST_CAPACITY ? FIRST_CAPACITY : b->capacity;
  while (capacity - b->size < more) capacity *= 2;
  uint8_t *bytes = pickle_realloc(b->bytes, capacity);
  if (bytes == NULL) return false;
  b->bytes = bytes;
  b->capacity = capacity;
  return true;
}

void bytes_free(Bytes *b) {
  pickle_realloc(b->bytes, 0);
  *b = (Bytes){0};
}
