/* Heads of tasks and results: there and back, damaged. */
#include "pool/gearman/envelope.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

TestSuite(envelope, .timeout = 20);

static uint8_t bytes[ENVELOPE_MOST_HEAD + 200];

#define VIEW(text) {(const uint8_t *)(text), sizeof(text) - 1}

static bool is(View v, const char *text) { return v.size == strlen(text) && memcmp(v.bytes, text, v.size) == 0; }

/* A signed task with the body "body"; returns its size. */
static size_t a_task(void) {
  Envelope e = {.kind = TASK_BY_NAME, .flags = ENVELOPE_SIGNED, .unique = VIEW("u-1"), .name = VIEW("m:f")};
  e.release = 50404;
  e.retries = 3;
  e.timeout_ns = 5000000000;
  size_t n = envelope_write_task(bytes, &e);
  memcpy(bytes + n, "body", 4);
  memset(bytes + n + 4, 's', ENVELOPE_SIGNATURE);
  return n + 4 + ENVELOPE_SIGNATURE;
}

Test(envelope, a_task_is_read_as_it_was_written) {
  Envelope e;
  size_t n = a_task();
  cr_assert_eq(envelope_read_task(bytes, n, &e), 0);
  cr_assert(is(e.unique, "u-1") && is(e.name, "m:f") && is(e.body, "body"));
  cr_assert_eq(e.kind, TASK_BY_NAME);
  cr_assert_eq(e.flags, ENVELOPE_SIGNED);
  cr_assert_eq(e.release, 50404);
  cr_assert_eq(e.retries, 3);
  cr_assert_eq(e.timeout_ns, 5000000000);
  cr_assert_eq(e.signature.size, ENVELOPE_SIGNATURE);
  cr_assert_eq(e.covered.size, n - ENVELOPE_SIGNATURE);
}

Test(envelope, a_result_is_read_as_it_was_written) {
  Envelope e = {.kind = RESULT_DIED, .unique = VIEW("u-1"), .name = VIEW("host/7"), .ns = 77}, r;
  e.pid = 1234;
  e.status = 9;
  size_t n = envelope_write_result(bytes, &e);
  cr_assert_eq(envelope_read_result(bytes, n, &r), 0);
  cr_assert(is(r.unique, "u-1") && is(r.name, "host/7") && is(r.body, ""));
  cr_assert_eq(r.kind, RESULT_DIED);
  cr_assert_eq(r.ns, 77);
  cr_assert_eq(r.pid, 1234);
  cr_assert_eq(r.status, 9);
}

Test(envelope, a_task_is_no_result_and_other_bytes_are_neither) {
  Envelope e;
  size_t n = a_task();
  cr_assert_eq(envelope_read_result(bytes, n, &e), ENVELOPE_EFOREIGN);
  cr_assert_eq(envelope_read_task((const uint8_t *)"hello, world", 12, &e), ENVELOPE_EFOREIGN);
  cr_assert_eq(envelope_read_task((const uint8_t *)"", 0, &e), ENVELOPE_EFOREIGN);
}

Test(envelope, another_version_is_told_apart_from_damage) {
  Envelope e;
  size_t n = a_task();
  bytes[3] = ENVELOPE_VERSION + 1;
  cr_assert_eq(envelope_read_task(bytes, n, &e), ENVELOPE_EVERSION);
}

Test(envelope, one_that_is_cut_short_is_damaged) {
  Envelope e;
  size_t least = a_task() - 4;
  for (size_t n = 4; n < least; n++) cr_assert_neq(envelope_read_task(bytes, n, &e), 0, "at %zu", n);
}

Test(envelope, an_unknown_kind_or_flag_is_damaged) {
  Envelope e;
  size_t n = a_task();
  bytes[4] = 'r';
  cr_assert_eq(envelope_read_task(bytes, n, &e), ENVELOPE_EDAMAGED);
  bytes[4] = 0;
  cr_assert_eq(envelope_read_task(bytes, n, &e), ENVELOPE_EDAMAGED);
  a_task();
  bytes[5] = 0x80;
  cr_assert_eq(envelope_read_task(bytes, n, &e), ENVELOPE_EDAMAGED);
}

Test(envelope, views_lie_within_the_bytes_whatever_is_damaged) {
  unsigned state = 1;
  for (int round = 0; round < 200000; round++) {
    Envelope e;
    size_t n = a_task();
    for (int k = 0; k < 3; k++) {
      state = state * 1103515245 + 12345;
      bytes[3 + (state >> 8) % (n - 3)] = (uint8_t)(state >> 20);
    }
    uint8_t *copy = malloc(n);
    memcpy(copy, bytes, n);
    if (envelope_read_task(copy, n, &e) == 0) {
      const View views[] = {e.unique, e.name, e.body, e.covered, e.signature};
      for (unsigned i = 0; i < 5; i++) cr_assert(views[i].bytes >= copy && views[i].bytes + views[i].size <= copy + n);
    }
    free(copy);
  }
}
