/* Byte rings: copying round the end, wrapping indexes, ends that publish nonsense. */
#include "pool/process/ring.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

TestSuite(ring, .timeout = 20);

static ByteRing *ring;
static RingEnd writer, reader;

/* An empty ring on which `start` bytes were written and read before. */
static void open_at(uint32_t start) {
  ring = aligned_alloc(64, sizeof *ring);
  memset(ring, 0, sizeof *ring);
  ring_open(&writer, ring);
  ring_open(&reader, ring);
  writer.own = writer.other = reader.own = reader.other = start;
  atomic_store(&ring->head, start);
  atomic_store(&ring->tail, start);
}

static void close_ring(void) { free(ring); }

Test(ring, what_is_written_is_read_only_after_it_was_published, .fini = close_ring) {
  char text[8] = "";
  open_at(0);
  cr_assert_eq(ring_write(&writer, "abc", 3), 3);
  cr_assert_eq(ring_used(&reader), 0);
  cr_assert_eq(ring_read(&reader, text, 8), 0);
  ring_publish_written(&writer);
  cr_assert_eq(ring_used(&reader), 3);
  cr_assert_eq(ring_read(&reader, text, 8), 3);
  cr_assert_str_eq(text, "abc");
}

Test(ring, a_peek_shows_what_stands_together_and_moves_nothing, .fini = close_ring) {
  char text[8];
  size_t n = 8;
  open_at(RING_SIZE - 2);
  cr_assert_null(ring_peek(&reader, &n));
  cr_assert_eq(n, 8);
  ring_write(&writer, "abcd", 4);
  ring_publish_written(&writer);
  const char *bytes = ring_peek(&reader, &n);
  cr_assert_eq(n, 2);
  cr_assert_eq(memcmp(bytes, "ab", 2), 0);
  n = 1;
  ring_peek(&reader, &n);
  cr_assert_eq(n, 1);
  cr_assert_eq(ring_read(&reader, text, 8), 4);
  cr_assert_eq(memcmp(text, "abcd", 4), 0);
}

Test(ring, a_full_ring_takes_nothing_until_what_was_read_is_published, .fini = close_ring) {
  static char block[RING_SIZE + 1];
  open_at(0);
  cr_assert_eq(ring_write(&writer, block, sizeof block), RING_SIZE);
  cr_assert_eq(ring_room(&writer), 0);
  cr_assert_eq(ring_write(&writer, block, 1), 0);
  ring_publish_written(&writer);
  cr_assert_eq(ring_used(&reader), RING_SIZE);
  cr_assert_eq(ring_read(&reader, block, 10), 10);
  cr_assert_eq(ring_write(&writer, block, 20), 0);
  ring_publish_read(&reader);
  cr_assert_eq(ring_room(&writer), 10);
  cr_assert_eq(ring_write(&writer, block, 20), 10);
  cr_assert_not(writer.broken || reader.broken);
}

Test(ring, bytes_that_are_dropped_make_room_too, .fini = close_ring) {
  static char block[RING_SIZE];
  open_at(0);
  ring_write(&writer, block, RING_SIZE);
  ring_publish_written(&writer);
  cr_assert_eq(ring_read(&reader, NULL, RING_SIZE), RING_SIZE);
  ring_publish_read(&reader);
  cr_assert_eq(ring_room(&writer), RING_SIZE);
}

/* Streams bytes through in pieces of odd lengths; each must come as it was. */
static void stream(size_t total) {
  unsigned char piece[4099];
  size_t written = 0, got = 0;
  while (got < total) {
    size_t n = sizeof piece - written % 97;
    for (size_t i = 0; i < n; i++) piece[i] = (unsigned char)((written + i) * 31);
    written += ring_write(&writer, piece, n);
    ring_publish_written(&writer);
    if (ring_room(&writer) > RING_SIZE / 3 && written < total) continue;
    n = ring_read(&reader, piece, 1 + got % sizeof piece);
    for (size_t i = 0; i < n; i++) cr_assert_eq(piece[i], (unsigned char)((got + i) * 31), "byte %zu", got + i);
    got += n;
    ring_publish_read(&reader);
  }
}

Test(ring, a_stream_many_times_as_long_as_the_ring_comes_whole, .fini = close_ring) {
  open_at(0);
  stream(10 * (size_t)RING_SIZE);
}

Test(ring, indexes_wrap_within_a_stream, .fini = close_ring) {
  static const uint32_t starts[] = {UINT32_MAX, UINT32_MAX - 1, UINT32_MAX - RING_SIZE + 1, UINT32_MAX - RING_SIZE / 2};
  for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++) {
    open_at(starts[i]);
    stream(3 * (size_t)RING_SIZE);
    cr_assert_lt(writer.own, starts[i]);
    cr_assert_not(writer.broken || reader.broken);
    if (i + 1 < sizeof starts / sizeof starts[0]) close_ring();
  }
}

Test(ring, a_ring_is_full_and_empty_across_the_wrap, .fini = close_ring) {
  static char block[RING_SIZE];
  open_at(UINT32_MAX - 100);
  cr_assert_eq(ring_room(&writer), RING_SIZE);
  cr_assert_eq(ring_used(&reader), 0);
  cr_assert_eq(ring_write(&writer, block, RING_SIZE), RING_SIZE);
  cr_assert_eq(ring_room(&writer), 0);
  ring_publish_written(&writer);
  cr_assert_eq(ring_used(&reader), RING_SIZE);
  cr_assert_eq(ring_read(&reader, block, RING_SIZE), RING_SIZE);
  cr_assert_eq(ring_used(&reader), 0);
}

static const uint32_t nonsense[] = {RING_SIZE + 1, 1u << 31, UINT32_MAX};

Test(ring, a_reader_believes_no_tail_beyond_the_size, .fini = close_ring) {
  char text[8];
  for (size_t i = 0; i < sizeof nonsense / sizeof nonsense[0]; i++) {
    open_at(UINT32_MAX - 5);
    atomic_store(&ring->tail, reader.own + nonsense[i]);
    cr_assert_eq(ring_used(&reader), 0);
    cr_assert(reader.broken);
    cr_assert_eq(ring_read(&reader, text, 8), 0);
    atomic_store(&ring->tail, reader.own + 1);
    cr_assert_eq(ring_used(&reader), 0, "once broken, for ever");
    if (i + 1 < sizeof nonsense / sizeof nonsense[0]) close_ring();
  }
}

Test(ring, a_writer_believes_no_head_beyond_what_it_wrote, .fini = close_ring) {
  for (size_t i = 0; i < sizeof nonsense / sizeof nonsense[0]; i++) {
    open_at(7);
    atomic_store(&ring->head, writer.own - nonsense[i]);
    cr_assert_eq(ring_room(&writer), 0);
    cr_assert(writer.broken);
    cr_assert_eq(ring_write(&writer, "x", 1), 0);
    if (i + 1 < sizeof nonsense / sizeof nonsense[0]) close_ring();
  }
}

Test(ring, an_index_that_goes_back_gives_no_byte_twice, .fini = close_ring) {
  char text[8] = "";
  open_at(0);
  ring_write(&writer, "abc", 3);
  ring_publish_written(&writer);
  cr_assert_eq(ring_read(&reader, text, 3), 3);
  atomic_store(&ring->tail, 1);
  cr_assert_eq(ring_used(&reader), 0);
  cr_assert(reader.broken);
}
