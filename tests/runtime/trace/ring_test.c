/* The ring between the lock's owner and the writer: order, the full ring, use round and round, two threads. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <sched.h>

#include "runtime/trace/ring.h"

TestSuite(ring, .timeout = 20);

enum { CAPACITY = 8, MANY = 300000 };

static TraceRing r;

static void setup(void) { cr_assert(trace_ring_init(&r, CAPACITY)); }
static void teardown(void) { trace_ring_fini(&r); }

static bool put(uint32_t id) {
  Record record = {.kind = RECORD_TURN, .id = id, .begin = id * 2u};
  return trace_ring_put(&r, &record);
}

Test(ring, a_new_ring_is_empty, .init = setup, .fini = teardown) {
  Record out[CAPACITY];
  cr_assert_eq(trace_ring_take(&r, out, CAPACITY), 0);
}

Test(ring, records_come_out_in_the_order_in_which_they_went_in, .init = setup, .fini = teardown) {
  Record out[CAPACITY];
  for (uint32_t i = 1; i <= 5; i++) cr_assert(put(i));
  cr_assert_eq(trace_ring_take(&r, out, CAPACITY), 5);
  for (uint32_t i = 0; i < 5; i++) {
    cr_assert_eq(out[i].id, i + 1);
    cr_assert_eq(out[i].begin, 2 * (i + 1));
  }
}

Test(ring, at_most_as_many_are_taken_as_there_is_room_for, .init = setup, .fini = teardown) {
  Record out[2];
  for (uint32_t i = 1; i <= 3; i++) put(i);
  cr_assert_eq(trace_ring_take(&r, out, 2), 2);
  cr_assert_eq(trace_ring_take(&r, out, 2), 1);
  cr_assert_eq(out[0].id, 3);
}

Test(ring, a_full_ring_drops_and_counts_and_keeps_what_it_has, .init = setup, .fini = teardown) {
  Record out[CAPACITY];
  for (uint32_t i = 1; i <= CAPACITY; i++) cr_assert(put(i));
  cr_assert_not(put(99));
  cr_assert_not(put(100));
  cr_assert_eq(r.lost, 2);
  cr_assert_eq(trace_ring_take(&r, out, CAPACITY), CAPACITY);
  cr_assert_eq(out[CAPACITY - 1].id, CAPACITY);
  cr_assert(put(7), "there is room again");
}

Test(ring, it_is_used_round_and_round, .init = setup, .fini = teardown) {
  Record out[CAPACITY];
  uint32_t next = 0, seen = 0;
  for (int turn = 0; turn < 100; turn++) {
    for (int i = 0; i < turn % CAPACITY + 1; i++) cr_assert(put(next++));
    uint64_t n = trace_ring_take(&r, out, CAPACITY);
    for (uint64_t i = 0; i < n; i++) cr_assert_eq(out[i].id, seen++);
  }
  cr_assert_eq(seen, next);
}

static void *producer(void *arg) {
  (void)arg;
  for (uint32_t i = 0; i < MANY;) {
    if (put(i)) i++;
    else sched_yield(); /* both may be on one processor */
  }
  return NULL;
}

Test(ring, what_one_thread_puts_another_takes_whole_and_in_order, .init = setup, .fini = teardown) {
  pthread_t thread;
  cr_assert_eq(pthread_create(&thread, NULL, producer, NULL), 0);
  Record out[CAPACITY];
  for (uint32_t seen = 0; seen < MANY;) {
    uint64_t n = trace_ring_take(&r, out, CAPACITY);
    if (n == 0) sched_yield();
    for (uint64_t i = 0; i < n; i++, seen++) {
      cr_assert_eq(out[i].id, seen);
      cr_assert_eq(out[i].begin, 2ull * seen, "record %u is torn", seen);
    }
  }
  pthread_join(thread, NULL);
}
