/* Counting. */
#include "interp/limit.h"

void *limit_alloc(void *ud, void *block, size_t old_size, size_t new_size) {
  Limit *l = ud;
  size_t before = block != NULL ? old_size : 0; /* for a new block it is the kind of object */
  if (new_size > before && new_size - before > l->most - l->bytes) return NULL;
  void *fresh = l->alloc(l->data, block, old_size, new_size);
  if (fresh != NULL || new_size == 0) l->bytes = l->bytes - before + new_size;
  return fresh;
}
