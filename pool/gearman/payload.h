/* Bytes that are sent, maybe more than once: shared by a job and the connections that send them, never changed once
 * they are complete. Whoever drops the last reference frees them. Any thread. */
#ifndef GILUA_POOL_GEARMAN_PAYLOAD_H
#define GILUA_POOL_GEARMAN_PAYLOAD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pool/gearman/packet.h"

typedef struct Payload {
  _Atomic unsigned refs; /* [a] relaxed up, acq_rel down */
  size_t size;           /* [i] */
  uint8_t *bytes;        /* [i] once complete; behind this struct, or `memory` */
  void *memory;          /* [i] to be freed with it; or NULL */
  struct Payload *next;  /* [i] what is sent behind it, a reference; or NULL */
} Payload;

/* A piece of what a payload is made of. */
typedef struct Piece {
  const void *bytes;
  size_t size;
} Piece;

enum { PAYLOAD_ADOPT = 64 * 1024 /* bytes from which memory is adopted rather than copied */ };

/* payload_new makes room for size bytes, with one reference, the caller's; NULL without memory. payload_adopt makes
 * one of memory that malloc gave, which becomes its own; NULL without memory, the caller's then. */
Payload *payload_new(size_t size);
Payload *payload_adopt(void *memory, size_t size);

/* payload_packet makes a request of that type whose rest is the n pieces, one after the other, and behind them the
 * payload `rest`, unless that is NULL, whose reference it takes over: whoever calls puts the zero bytes between
 * fields into them. NULL without memory, or if the rest is longer than a packet may be. */
Payload *payload_packet(PacketType type, const Piece *pieces, unsigned n, Payload *rest);

/* payload_keep counts a reference up and returns it; payload_drop counts one down. NULL is passed over. */
Payload *payload_keep(Payload *p);
void payload_drop(Payload *p);

#endif
