/* Counting references of bytes. */
#include "pool/gearman/payload.h"

#include <stdlib.h>
#include <string.h>

Payload *payload_new(size_t size) {
  if (size > SIZE_MAX / 2) return NULL;
  Payload *p = malloc(sizeof *p + size);
  if (p == NULL) return NULL;
  *p = (Payload){.size = size, .bytes = (uint8_t *)(p + 1)};
  atomic_init(&p->refs, 1);
  return p;
}

Payload *payload_adopt(void *memory, size_t size) {
  Payload *p = payload_new(0);
  if (p == NULL) return NULL;
  p->memory = p->bytes = memory;
  p->size = size;
  return p;
}

Payload *payload_packet(PacketType type, const Piece *pieces, unsigned n, Payload *rest) {
  size_t size = 0, more = rest != NULL ? rest->size : 0;
  bool fits = more <= UINT32_MAX;
  for (unsigned i = 0; i < n && fits; i++) {
    fits = pieces[i].size <= UINT32_MAX - more - size;
    size += pieces[i].size;
  }
  Payload *p = fits ? payload_new(PACKET_HEAD + size) : NULL;
  if (p == NULL) {
    payload_drop(rest);
    return NULL;
  }
  p->next = rest;
  packet_head(p->bytes, type, size + more);
  uint8_t *to = p->bytes + PACKET_HEAD;
  for (unsigned i = 0; i < n; i++) {
    if (pieces[i].size > 0) memcpy(to, pieces[i].bytes, pieces[i].size);
    to += pieces[i].size;
  }
  return p;
}

Payload *payload_keep(Payload *p) {
  if (p != NULL) atomic_fetch_add_explicit(&p->refs, 1, memory_order_relaxed);
  return p;
}

void payload_drop(Payload *p) {
  while (p != NULL && atomic_fetch_sub_explicit(&p->refs, 1, memory_order_acq_rel) == 1) {
    Payload *next = p->next;
    free(p->memory);
    free(p);
    p = next;
  }
}
