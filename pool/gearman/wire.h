/* A connection to a job server: bytes that wait to be written, bytes that were read and not yet looked at. It never
 * blocks, but for wire_dial.
 *
 * Threads: one at a time, whoever guards it (JobClient.m; a worker has it alone). Knows no Lua and no lock.
 */
#ifndef GILUA_POOL_GEARMAN_WIRE_H
#define GILUA_POOL_GEARMAN_WIRE_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "pool/gearman/payload.h"

enum {
  WIRE_WHY = 160, /* bytes of a text that says why a connection failed */
  WIRE_HOST = 256,
  WIRE_PORT = 8,
  WIRE_MOST_SERVERS = 64,         /* that an executor or a worker knows */
  WIRE_MOST_PAYLOAD = 2000000000, /* bytes that a limit on payloads may allow: sizes of packets have 32 bits */
};

typedef struct WireNode {
  struct WireNode *next;
  Payload *payload;
} WireNode;

typedef struct Wire {
  int fd;                   /* -1: none */
  size_t most;              /* bytes of the largest packet that is taken */
  uint8_t *in;              /* what was read: in[at … size) is not yet looked at */
  size_t at, size, capacity;
  WireNode *first, *last;   /* to be written; of the first `written` bytes are */
  size_t written, queued;   /* queued: bytes that are not written */
} Wire;

/* The bytes of a packet that were taken over: free(memory) when they are not needed any more. */
typedef struct Taken {
  void *memory;
  const uint8_t *bytes;
  size_t size;
} Taken;

/* wire_address takes "host:port", "host" or "[address]:port" apart, of printable characters without blanks and slashes;
 * the port, digits only, is 4730 if there is none. False: it is no such thing. */
bool wire_address(const char *text, char host[WIRE_HOST], char port[WIRE_PORT]);

/* wire_dial connects to host and port (a number) by TCP and returns a descriptor that does not block, close-on-exec,
 * or -1 with `why` saying what went wrong. Blocks: until the deadline (clock.h), or as long as the system looks for
 * the name. */
int wire_dial(const char *host, const char *port, int64_t deadline, char why[WIRE_WHY]);

/* wire_open makes a connection of a descriptor, which becomes its own. */
void wire_open(Wire *w, int fd, size_t most);

/* wire_release frees what it holds and leaves the descriptor, which it returns, to the caller; wire_close closes it,
 * too. Both may be called again. */
int wire_release(Wire *w);
void wire_close(Wire *w);

/* wire_put queues a payload and what is behind it; the reference becomes its own. False without memory, when the
 * connection is to be given up, or for NULL. */
bool wire_put(Wire *w, Payload *p);

/* wire_say queues a packet with one field or none; wire_say_line a line of administration, without its end. False
 * without memory. */
bool wire_say(Wire *w, PacketType type, const void *field, size_t size);
bool wire_say_line(Wire *w, const char *line);

/* wire_events is what poll is to wait for. */
static inline short wire_events(const Wire *w) { return (short)(POLLIN | (w->first != NULL ? POLLOUT : 0)); }

/* wire_flush writes what it can. Returns 0, or -1 with errno: the connection is lost. */
int wire_flush(Wire *w);

/* wire_read reads what is there: 1, something was; 0, nothing; -1 with errno, lost, 0 there for an end that the
 * server made. It reads some at a time: call it again while it says 1. */
int wire_read(Wire *w);

/* wire_next is packet_read of what was read; the packet is good until the next call of anything here. */
int wire_next(Wire *w, Packet *out);

/* wire_has tells whether wire_next would give something. */
bool wire_has(const Wire *w);

/* wire_take takes over the bytes of field i of the packet that wire_next gave last: copied, or the whole buffer if
 * they are many. False without memory. */
bool wire_take(Wire *w, const Packet *p, unsigned i, Taken *out);

#endif
