/* A byte ring in shared memory: one writer, one reader, in two processes that do not trust each other.
 *
 * Each end keeps its own index in private memory and only publishes it; the other's is read and checked: a distance
 * beyond the size is a violation, after which the other process is not spoken to any more. Indexes wrap at 2^32.
 *
 * Memory orders. An index is published by a seq_cst store, and the word that says "asleep" is read after it; who goes to
 * sleep stores the word, and reads the index after it. One of the two sees the other: no wake-up is lost. Acquire and
 * release would not do, each side stores and then loads.
 */
#ifndef GILUA_POOL_PROCESS_RING_H
#define GILUA_POOL_PROCESS_RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
  RING_SIZE = 256 * 1024,    /* a power of two; larger is not faster, and becomes resident whole */
  RING_PIECE = RING_SIZE / 4 /* long messages are published in pieces, so that both ends copy at the same time */
};

/* How much of n bytes is copied before the other end is to hear of it. */
static inline size_t ring_piece(size_t n) { return n < RING_PIECE ? n : RING_PIECE; }

/* The shared part; zero is an empty ring. */
typedef struct ByteRing {
  _Alignas(64) _Atomic uint32_t tail; /* [a] bytes ever written, by the writer */
  _Alignas(64) _Atomic uint32_t head; /* [a] bytes ever read, by the reader */
  _Alignas(64) unsigned char data[RING_SIZE];
} ByteRing;

/* One end, private to its process. */
typedef struct RingEnd {
  ByteRing *ring; /* [i] */
  uint32_t own;   /* the index that this end publishes */
  uint32_t other; /* the other's, when it was last looked at */
  bool broken;    /* the other end published nonsense */
} RingEnd;

/* ring_open makes an end of a ring on which nothing was written yet. */
void ring_open(RingEnd *end, ByteRing *ring);

/* ring_room is how many bytes the writer could write now, ring_used how many the reader could read. Both look at what
 * the other has published; 0 if that is nonsense (broken). */
uint32_t ring_room(RingEnd *writer);
uint32_t ring_used(RingEnd *reader);

/* ring_write copies at most n bytes in, ring_read at most n out (to NULL: drops them), and return how many; nothing is
 * seen by the other end before ring_publish. */
size_t ring_write(RingEnd *writer, const void *bytes, size_t n);
size_t ring_read(RingEnd *reader, void *bytes, size_t n);

/* ring_peek returns bytes that stand together and can be read now, at most *n, which becomes how many; NULL, and *n
 * stays: none. */
const void *ring_peek(RingEnd *reader, size_t *n);

/* The same index for both ends: what was written can be read, the room of what was read can be written. */
void ring_publish_written(RingEnd *writer);
void ring_publish_read(RingEnd *reader);

#endif
