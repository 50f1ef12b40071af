/* Packets of Gearman: whole ones, those that are not all there, damaged ones. */
#include "pool/gearman/packet.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

TestSuite(packet, .timeout = 20);

static Packet p;
static size_t need;

#define READ(text) packet_read((const uint8_t *)(text), sizeof(text) - 1, 1000, &p, &need)
#define COMPLETE "\0RES\0\0\0\15\0\0\0\11" "H:vm:1\0ab"

static void is_field(unsigned i, const char *text) {
  cr_assert_lt(i, p.nfields);
  cr_assert_eq(p.fields[i].size, strlen(text));
  cr_assert(memcmp(p.fields[i].bytes, text, strlen(text)) == 0);
}

Test(packet, a_result_has_a_handle_and_bytes) {
  cr_assert_eq(READ(COMPLETE), PACKET_WHOLE);
  cr_assert_eq(p.type, PACKET_WORK_COMPLETE);
  cr_assert_eq(need, sizeof COMPLETE - 1);
  is_field(0, "H:vm:1");
  is_field(1, "ab");
}

Test(packet, the_last_field_may_hold_zeros) {
  cr_assert_eq(READ("\0RES\0\0\0\15\0\0\0\5" "H\0a\0b"), PACKET_WHOLE);
  is_field(0, "H");
  cr_assert_eq(p.fields[1].size, 3);
  cr_assert(memcmp(p.fields[1].bytes, "a\0b", 3) == 0);
}

Test(packet, the_last_field_may_be_empty) {
  cr_assert_eq(READ("\0RES\0\0\0\15\0\0\0\2" "H\0"), PACKET_WHOLE);
  cr_assert_eq(p.fields[1].size, 0);
}

Test(packet, what_follows_is_left_alone) {
  cr_assert_eq(READ("\0RES\0\0\0\6\0\0\0\0\0RES"), PACKET_WHOLE);
  cr_assert_eq(p.type, PACKET_NOOP);
  cr_assert_eq(need, PACKET_HEAD);
}

Test(packet, a_part_asks_for_more) {
  for (size_t n = 0; n < sizeof COMPLETE - 1; n++) {
    cr_assert_eq(packet_read((const uint8_t *)COMPLETE, n, 1000, &p, &need), PACKET_MORE, "at %zu", n);
    cr_assert_gt(need, n);
    cr_assert_eq(need, n < PACKET_HEAD ? PACKET_HEAD : sizeof COMPLETE - 1);
  }
}

Test(packet, a_line_between_packets_is_read_as_a_line) {
  cr_assert_eq(READ("OK\r\n\0RES"), PACKET_WHOLE);
  cr_assert_eq(p.type, PACKET_LINE);
  cr_assert_eq(need, 4);
  is_field(0, "OK");
  cr_assert_eq(READ("ERR UNKNOWN_JOB"), PACKET_MORE);
}

Test(packet, a_line_without_end_is_refused) {
  uint8_t bytes[PACKET_LONGEST_LINE + 1];
  memset(bytes, 'x', sizeof bytes);
  cr_assert_eq(packet_read(bytes, sizeof bytes, 1000, &p, &need), PACKET_EMAGIC);
  cr_assert_eq(READ("\1\2\3\n"), PACKET_EMAGIC);
}

Test(packet, requests_and_other_protocols_are_refused) {
  cr_assert_eq(READ("\0REQ\0\0\0\6\0\0\0\0"), PACKET_EMAGIC);
  cr_assert_eq(READ("\0R\1"), PACKET_EMAGIC);
}

Test(packet, a_type_that_no_server_sends_is_refused) {
  cr_assert_eq(READ("\0RES\0\0\0\7\0\0\0\0"), PACKET_ETYPE);
  cr_assert_eq(READ("\0RES\377\377\377\377\0\0\0\0"), PACKET_ETYPE);
}

Test(packet, one_that_is_too_large_is_refused_before_it_is_there) {
  cr_assert_eq(READ("\0RES\0\0\0\15\0\0\3\351"), PACKET_ESIZE);
  cr_assert_eq(READ("\0RES\0\0\0\15\377\377\377\377"), PACKET_ESIZE);
  cr_assert_eq(READ("\0RES\0\0\0\15\0\0\3\350"), PACKET_MORE);
}

Test(packet, missing_fields_are_refused) {
  cr_assert_eq(READ("\0RES\0\0\0\15\0\0\0\1H"), PACKET_EFIELDS);
  cr_assert_eq(READ("\0RES\0\0\0\15\0\0\0\0"), PACKET_EFIELDS);
  cr_assert_eq(READ("\0RES\0\0\0\24\0\0\0\4" "H\0001\0"), PACKET_EFIELDS);
  cr_assert_eq(READ("\0RES\0\0\0\6\0\0\0\1x"), PACKET_EFIELDS);
}

Test(packet, fields_lie_within_the_packet_whatever_bytes_are_damaged) {
  static const char whole[] = "\0RES\0\0\0\37\0\0\0\21" "H:1\0queue\0u\0bytes";
  unsigned state = 1;
  for (int round = 0; round < 200000; round++) {
    size_t n = sizeof whole - 1;
    uint8_t *bytes = malloc(n);
    memcpy(bytes, whole, n);
    for (int k = 0; k < 3; k++) {
      state = state * 1103515245 + 12345;
      bytes[(state >> 8) % n] = (uint8_t)(state >> 20);
    }
    if (packet_read(bytes, n, 1000, &p, &need) == PACKET_WHOLE) {
      cr_assert_leq(need, n);
      for (unsigned i = 0; i < p.nfields; i++)
        cr_assert(p.fields[i].bytes >= bytes && p.fields[i].bytes + p.fields[i].size <= bytes + need);
    }
    free(bytes);
  }
}

Test(packet, a_head_says_type_and_size) {
  uint8_t head[PACKET_HEAD];
  packet_head(head, PACKET_SUBMIT_JOB, 0x01020304);
  cr_assert(memcmp(head, "\0REQ\0\0\0\7\1\2\3\4", PACKET_HEAD) == 0);
}
