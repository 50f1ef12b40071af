/* Reading and writing packets. */
#include "pool/gearman/packet.h"

#include <string.h>

static const uint8_t request[4] = {0, 'R', 'E', 'Q'}, response[4] = {0, 'R', 'E', 'S'};

static uint32_t read_word(const uint8_t *p) {
  return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void write_word(uint8_t *p, uint32_t word) {
  p[0] = (uint8_t)(word >> 24);
  p[1] = (uint8_t)(word >> 16);
  p[2] = (uint8_t)(word >> 8);
  p[3] = (uint8_t)word;
}

/* How many fields a server's packet has; -1: servers send no such thing. */
static int fields_of(uint32_t type) {
  switch (type) {
    case PACKET_NOOP:
    case PACKET_NO_JOB: return 0;
    case PACKET_JOB_CREATED:
    case PACKET_WORK_FAIL:
    case PACKET_ECHO_RES:
    case PACKET_OPTION_RES: return 1;
    case PACKET_WORK_COMPLETE:
    case PACKET_WORK_DATA:
    case PACKET_WORK_WARNING:
    case PACKET_WORK_EXCEPTION:
    case PACKET_ERROR: return 2;
    case PACKET_JOB_ASSIGN:
    case PACKET_WORK_STATUS: return 3;
    case PACKET_JOB_ASSIGN_UNIQ: return 4;
    case PACKET_STATUS_RES: return 5;
    default: return -1;
  }
}

static int read_line(const uint8_t *bytes, size_t size, Packet *out, size_t *need) {
  size_t looked = size < PACKET_LONGEST_LINE ? size : PACKET_LONGEST_LINE;
  const uint8_t *end = memchr(bytes, '\n', looked);
  for (size_t i = 0; i < (end != NULL ? (size_t)(end - bytes) : looked); i++)
    if ((bytes[i] < ' ' && bytes[i] != '\r' && bytes[i] != '\t') || bytes[i] > '~') return PACKET_EMAGIC;
  *need = size + 1;
  if (end == NULL) return looked < PACKET_LONGEST_LINE ? PACKET_MORE : PACKET_EMAGIC;
  *out = (Packet){.type = PACKET_LINE, .nfields = 1};
  out->fields[0].bytes = bytes;
  out->fields[0].size = (size_t)(end - bytes);
  if (out->fields[0].size > 0 && end[-1] == '\r') out->fields[0].size--;
  *need = (size_t)(end - bytes) + 1;
  return PACKET_WHOLE;
}

int packet_read(const uint8_t *bytes, size_t size, size_t most, Packet *out, size_t *need) {
  *need = PACKET_HEAD;
  if (size == 0) return PACKET_MORE;
  if (bytes[0] != 0) return read_line(bytes, size, out, need);
  if (memcmp(bytes, response, size < 4 ? size : 4) != 0) return PACKET_EMAGIC;
  if (size < PACKET_HEAD) return PACKET_MORE;
  uint32_t type = read_word(bytes + 4), rest = read_word(bytes + 8);
  int n = fields_of(type);
  if (n < 0) return PACKET_ETYPE;
  if (rest > most) return PACKET_ESIZE;
  if (n == 0 && rest != 0) return PACKET_EFIELDS;
  *need = PACKET_HEAD + (size_t)rest;
  if (size < *need) return PACKET_MORE;
  *out = (Packet){.type = (PacketType)type, .nfields = (unsigned)n};
  const uint8_t *p = bytes + PACKET_HEAD, *end = bytes + *need;
  for (int i = 0; i < n; i++) {
    const uint8_t *stop = i == n - 1 ? end : p < end ? memchr(p, 0, (size_t)(end - p)) : NULL;
    if (stop == NULL) return PACKET_EFIELDS;
    out->fields[i].bytes = p;
    out->fields[i].size = (size_t)(stop - p);
    p = stop + 1;
  }
  return PACKET_WHOLE;
}

void packet_head(uint8_t to[PACKET_HEAD], PacketType type, size_t size) {
  memcpy(to, request, sizeof request);
  write_word(to + 4, (uint32_t)type);
  write_word(to + 8, (uint32_t)size);
}

const char *packet_explain(int error) {
  switch (error) {
    case PACKET_EMAGIC: return "it sent what is no packet of Gearman's";
    case PACKET_ETYPE: return "it sent a packet of a type that servers do not send";
    case PACKET_ESIZE: return "it sent a packet that is too large";
    default: return "it sent a packet whose fields are damaged";
  }
}
