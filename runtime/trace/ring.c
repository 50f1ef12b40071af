/* Making, emptying and freeing a ring. The protocol is in ring.h. */
#include "runtime/trace/ring.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

bool trace_ring_init(TraceRing *r, uint64_t capacity) {
  assert(capacity != 0 && (capacity & (capacity - 1)) == 0);
  atomic_init(&r->head, 0);
  atomic_init(&r->tail, 0);
  r->lost = 0;
  r->capacity = capacity;
  r->slots = calloc(capacity, sizeof *r->slots);
  return r->slots != NULL;
}

void trace_ring_fini(TraceRing *r) {
  free(r->slots);
  r->slots = NULL;
}

uint64_t trace_ring_take(TraceRing *r, Record *out, uint64_t n) {
  uint64_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed); /* mine */
  /* acquire pairs with trace_ring_put: the slots up to head are written */
  uint64_t count = atomic_load_explicit(&r->head, memory_order_acquire) - tail;
  assert(count <= r->capacity);
  if (count > n) count = n;
  for (uint64_t i = 0; i < count; i++) out[i] = r->slots[(tail + i) & (r->capacity - 1)];
  atomic_store_explicit(&r->tail, tail + count, memory_order_release);
  return count;
}
