/* The packets of Gearman's protocol, as bytes and back. Pure: no Lua, no sockets, no memory of its own.
 *
 *   packet   "\0REQ" or "\0RES" (4 bytes), type, size of the rest (4 bytes each, the highest first), the fields
 *   fields   as many as the type has; a zero byte ends each but the last, which may hold any bytes
 *   line     what a server answers to a command of administration ("cancel job H:1"): text up to a newline. It comes
 *            between
 *            two packets of the same connection, and is told from them by its first byte.
 *
 * Source: the protocol description of gearmand (PROTOCOL).
 */
#ifndef GILUA_POOL_GEARMAN_PACKET_H
#define GILUA_POOL_GEARMAN_PACKET_H

#include <stddef.h>
#include <stdint.h>

typedef enum PacketType {
  PACKET_LINE = 0, /* none of the protocol's: a line of text, its one field, without the newline */
  PACKET_CAN_DO = 1,
  PACKET_RESET_ABILITIES = 3,
  PACKET_PRE_SLEEP = 4,
  PACKET_NOOP = 6,
  PACKET_SUBMIT_JOB = 7,
  PACKET_JOB_CREATED = 8,
  PACKET_GRAB_JOB = 9,
  PACKET_NO_JOB = 10,
  PACKET_JOB_ASSIGN = 11,
  PACKET_WORK_STATUS = 12,
  PACKET_WORK_COMPLETE = 13,
  PACKET_WORK_FAIL = 14,
  PACKET_GET_STATUS = 15,
  PACKET_ECHO_REQ = 16,
  PACKET_ECHO_RES = 17,
  PACKET_ERROR = 19,
  PACKET_STATUS_RES = 20,
  PACKET_SET_CLIENT_ID = 22,
  PACKET_WORK_EXCEPTION = 25,
  PACKET_OPTION_RES = 27,
  PACKET_WORK_DATA = 28,
  PACKET_WORK_WARNING = 29,
  PACKET_GRAB_JOB_UNIQ = 30,
  PACKET_JOB_ASSIGN_UNIQ = 31,
} PacketType;

enum {
  PACKET_HEAD = 12,        /* bytes before the fields */
  PACKET_MOST_FIELDS = 5,
  PACKET_LONGEST_LINE = 512,
  PACKET_MOST_UNIQUE = 64, /* bytes that gearmand keeps of a unique */
};

/* A packet that was read: its fields point into the bytes that it was read from. */
typedef struct Packet {
  PacketType type;
  unsigned nfields;
  struct {
    const uint8_t *bytes;
    size_t size;
  } fields[PACKET_MOST_FIELDS];
} Packet;

/* What packet_read says. */
enum {
  PACKET_WHOLE = 0,
  PACKET_MORE = 1,     /* more bytes are needed: *need of them from the start, as far as is known */
  PACKET_EMAGIC = -1,  /* neither a packet nor a line */
  PACKET_ETYPE = -2,   /* a type that no server sends */
  PACKET_ESIZE = -3,   /* larger than `most` */
  PACKET_EFIELDS = -4, /* its fields are not what the type has */
};

/* packet_read reads the packet or line at the start of `size` bytes that a server sent; most: the largest rest (bytes
 * after the head) that is taken. PACKET_WHOLE: *out is it, *need its length in bytes. Any thread. */
int packet_read(const uint8_t *bytes, size_t size, size_t most, Packet *out, size_t *need);

/* packet_head writes the head of a request whose rest is `size` bytes, at most UINT32_MAX. */
void packet_head(uint8_t to[PACKET_HEAD], PacketType type, size_t size);

/* packet_explain says what a negative result of packet_read means: a constant. */
const char *packet_explain(int error);

#endif
