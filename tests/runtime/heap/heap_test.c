/* The allocator as Lua uses it: sizes are told on every call, growing and shrinking must keep the contents. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/heap/heap.h"
#include "tests/support/stress.h"

TestSuite(heap, .timeout = 60);

enum { BLOCKS = 4000, BIGGEST = 3000 };

static Heap *heap;

static void setup(void) { heap = heap_new(0); }
static void teardown(void) { heap_free(heap); }

typedef struct Held {
  unsigned char *p;
  size_t size;
  unsigned char mark;
} Held;

static void fill(const Held *b) { memset(b->p, b->mark, b->size); }

static void check(const Held *b, size_t size) {
  for (size_t i = 0; i < size; i++) cr_assert_eq(b->p[i], b->mark);
}

static void resize(Held *b, size_t size, uint64_t *stream) {
  unsigned char *p = heap_alloc(heap, b->p, b->size, size);
  if (size == 0) {
    cr_assert_null(p);
    *b = (Held){0};
    return;
  }
  cr_assert_not_null(p);
  cr_assert_eq((uintptr_t)p % 8, 0);
  b->p = p;
  check(b, b->size < size ? b->size : size);
  b->size = size;
  b->mark = (unsigned char)stress_random(stream, 256);
  fill(b);
}

Test(heap, blocks_of_all_sizes_keep_their_contents, .init = setup, .fini = teardown) {
  static Held held[BLOCKS];
  uint64_t stream = stress_seed(1);
  size_t sum = 0;
  for (int i = 0; i < 400000; i++) {
    Held *b = &held[stress_random(&stream, BLOCKS)];
    size_t before = b->size, size = stress_random(&stream, 3) == 0 ? 0 : 1 + stress_random(&stream, BIGGEST) % (1u << stress_random(&stream, 12));
    if (b->p == NULL && size == 0) continue;
    if (b->p != NULL) check(b, b->size);
    resize(b, size, &stream);
    sum += size - before;
    cr_assert_eq(heap_bytes(heap), sum);
    if (i % 50000 == 0) cr_assert(heap_sane(heap));
  }
  for (int i = 0; i < BLOCKS; i++)
    if (held[i].p != NULL) heap_alloc(heap, held[i].p, held[i].size, 0);
  cr_assert_eq(heap_bytes(heap), 0);
  cr_assert(heap_sane(heap));
}

Test(heap, a_limit_refuses_what_goes_beyond_it_and_nothing_else) {
  heap = heap_new(10000);
  void *a = heap_alloc(heap, NULL, 5, 6000);
  cr_assert_not_null(a);
  cr_assert_null(heap_alloc(heap, NULL, 5, 4001));
  cr_assert_null(heap_alloc(heap, a, 6000, 10001));
  void *b = heap_alloc(heap, NULL, 5, 4000);
  cr_assert_not_null(b);
  a = heap_alloc(heap, a, 6000, 10); /* shrinking is never refused */
  cr_assert_not_null(a);
  void *c = heap_alloc(heap, NULL, 5, 5990);
  cr_assert_not_null(c);
  cr_assert_eq(heap_bytes(heap), 10000);
  heap_alloc(heap, a, 10, 0);
  heap_alloc(heap, b, 4000, 0);
  heap_alloc(heap, c, 5990, 0);
  heap_free(heap);
}

#if !HEAP_PLAIN /* malloc has its own ways */

static size_t resident(void) {
  FILE *f = fopen("/proc/self/statm", "r");
  size_t all, pages;
  cr_assert_eq(fscanf(f, "%zu %zu", &all, &pages), 2);
  fclose(f);
  return pages * (size_t)sysconf(_SC_PAGESIZE);
}

Test(heap, memory_that_is_given_back_goes_back_to_the_system, .init = setup, .fini = teardown) {
  enum { N = 1000000, SIZE = 56 };
  void **blocks = malloc(N * sizeof *blocks);
  size_t before = resident();
  for (int i = 0; i < N; i++) {
    blocks[i] = heap_alloc(heap, NULL, 0, SIZE);
    memset(blocks[i], 1, SIZE);
  }
  size_t full = resident();
  for (int i = 0; i < N; i++) heap_alloc(heap, blocks[i], SIZE, 0);
  size_t after = resident();
  free(blocks);
  cr_assert_gt(full - before, 50u << 20);
  cr_assert_lt(after, before + (24u << 20), "%zu MiB are left", (after - before) >> 20);
}

Test(heap, blocks_of_one_size_are_used_again, .init = setup, .fini = teardown) {
  void *first = heap_alloc(heap, NULL, 0, 40);
  heap_alloc(heap, first, 40, 0);
  cr_assert_eq(heap_alloc(heap, NULL, 0, 40), first);
}

Test(heap, a_block_that_stays_in_its_class_does_not_move, .init = setup, .fini = teardown) {
  void *block = heap_alloc(heap, NULL, 0, 33);
  cr_assert_eq(heap_alloc(heap, block, 33, 40), block);
  block = heap_alloc(heap, NULL, 0, 200);
  cr_assert_eq(heap_alloc(heap, block, 200, 210), block);
}

#endif
