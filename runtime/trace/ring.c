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

void trace_now_set(TraceNow *now, const Record *record) {
  uint64_t words[sizeof *record / sizeof(uint64_t)], version = atomic_load_explicit(&now->version, memory_order_relaxed);
  memcpy(words, record, sizeof words);
  atomic_store_explicit(&now->version, version + 1, memory_order_relaxed);
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) /* who finds one of them finds the odd version */
    atomic_store_explicit(&now->words[i], words[i], memory_order_release);
  atomic_store_explicit(&now->version, version + 2, memory_order_release);
}

bool trace_now_get(const TraceNow *now, Record *record) {
  uint64_t words[sizeof *record / sizeof(uint64_t)], version = atomic_load_explicit(&now->version, memory_order_acquire);
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    words[i] = atomic_load_explicit(&now->words[i], memory_order_acquire);
  memcpy(record, words, sizeof words);
  return version % 2 == 0 && atomic_load_explicit(&now->version, memory_order_relaxed) == version;
}
