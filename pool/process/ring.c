/* Copying in and out of a byte ring. */
#include "pool/process/ring.h"

#include <string.h>

void ring_open(RingEnd *end, ByteRing *ring) { *end = (RingEnd){.ring = ring}; }

uint32_t ring_room(RingEnd *w) {
  uint32_t head = atomic_load(&w->ring->head);
  if (w->own - head > RING_SIZE) w->broken = true;
  w->other = w->broken ? w->own - RING_SIZE : head; /* nothing is written any more */
  return RING_SIZE - (w->own - w->other);
}

uint32_t ring_used(RingEnd *r) {
  uint32_t tail = atomic_load(&r->ring->tail);
  if (tail - r->own > RING_SIZE) r->broken = true;
  r->other = r->broken ? r->own : tail; /* nothing is read any more */
  return r->other - r->own;
}

size_t ring_write(RingEnd *w, const void *bytes, size_t n) {
  uint32_t room = RING_SIZE - (w->own - w->other);
  if (room < n) room = ring_room(w); /* the view of the other is old: it may have read meanwhile */
  if (n > room) n = room;
  size_t at = w->own % RING_SIZE, first = n < RING_SIZE - at ? n : RING_SIZE - at;
  memcpy(w->ring->data + at, bytes, first);
  memcpy(w->ring->data, (const unsigned char *)bytes + first, n - first);
  w->own += (uint32_t)n;
  return n;
}

size_t ring_read(RingEnd *r, void *bytes, size_t n) {
  uint32_t used = r->other - r->own;
  if (used < n) used = ring_used(r);
  if (n > used) n = used;
  if (bytes != NULL) {
    size_t at = r->own % RING_SIZE, first = n < RING_SIZE - at ? n : RING_SIZE - at;
    memcpy(bytes, r->ring->data + at, first);
    memcpy((unsigned char *)bytes + first, r->ring->data, n - first);
  }
  r->own += (uint32_t)n;
  return n;
}

const void *ring_peek(RingEnd *r, size_t *n) {
  size_t used = ring_used(r), at = r->own % RING_SIZE;
  if (used > RING_SIZE - at) used = RING_SIZE - at;
  if (used == 0) return NULL;
  if (used < *n) *n = used;
  return r->ring->data + at;
}

void ring_publish_written(RingEnd *w) { atomic_store(&w->ring->tail, w->own); }

void ring_publish_read(RingEnd *r) { atomic_store(&r->ring->head, r->own); }
