/* Reading and writing packets without waiting. */
#include "pool/gearman/wire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
  READ_LEAST = 16 * 1024,   /* room for a read */
  READ_MOST = 1024 * 1024,  /* bytes a call, so that others get their turn */
  TAKE_WHOLE = 64 * 1024,   /* a field from here on is not copied */
  MOST_AT_ONCE = 64         /* payloads a call of the system */
};

void wire_open(Wire *w, int fd, size_t most) { *w = (Wire){.fd = fd, .most = most}; }

int wire_release(Wire *w) {
  int fd = w->fd;
  while (w->first != NULL) {
    WireNode *n = w->first;
    w->first = n->next;
    payload_drop(n->payload);
    free(n);
  }
  free(w->in);
  *w = (Wire){.fd = -1};
  return fd;
}

void wire_close(Wire *w) {
  int fd = wire_release(w);
  if (fd >= 0) close(fd);
}

static bool put_one(Wire *w, Payload *p) {
  WireNode *n = p != NULL ? malloc(sizeof *n) : NULL;
  if (n == NULL) {
    payload_drop(p);
    return false;
  }
  *n = (WireNode){.payload = p};
  if (w->first == NULL) w->first = n;
  else w->last->next = n;
  w->last = n;
  w->queued += p->size;
  return true;
}

bool wire_put(Wire *w, Payload *p) {
  Payload *next = p != NULL ? payload_keep(p->next) : NULL;
  if (put_one(w, p)) return next == NULL || wire_put(w, next);
  payload_drop(next);
  return false;
}

bool wire_say(Wire *w, PacketType type, const void *field, size_t size) {
  return wire_put(w, payload_packet(type, &(Piece){field, size}, 1, NULL));
}

bool wire_say_line(Wire *w, const char *line) {
  size_t size = strlen(line);
  Payload *p = payload_new(size + 2);
  if (p == NULL) return false;
  memcpy(p->bytes, line, size);
  memcpy(p->bytes + size, "\r\n", 2);
  return wire_put(w, p);
}

static void note_written(Wire *w, size_t n) {
  w->queued -= n;
  w->written += n;
  while (w->first != NULL && w->written >= w->first->payload->size) {
    WireNode *done = w->first;
    w->written -= done->payload->size;
    w->first = done->next;
    payload_drop(done->payload);
    free(done);
  }
}

int wire_flush(Wire *w) {
  while (w->first != NULL) {
    struct iovec parts[MOST_AT_ONCE];
    struct msghdr message = {.msg_iov = parts};
    size_t skip = w->written;
    for (WireNode *n = w->first; n != NULL && message.msg_iovlen < MOST_AT_ONCE; n = n->next, skip = 0)
      parts[message.msg_iovlen++] =
          (struct iovec){.iov_base = n->payload->bytes + skip, .iov_len = n->payload->size - skip};
    ssize_t n = sendmsg(w->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n >= 0) note_written(w, (size_t)n);
    else if (errno == EAGAIN) return 0;
    else if (errno != EINTR) return -1;
  }
  return 0;
}

/* Room for at least `more` bytes behind those that are there. */
static bool make_room(Wire *w, size_t more) {
  if (w->at > 0) {
    memmove(w->in, w->in + w->at, w->size - w->at);
    w->size -= w->at;
    w->at = 0;
  }
  if (w->capacity - w->size >= more) return true;
  uint8_t *in = realloc(w->in, w->size + more);
  if (in == NULL) return false;
  w->in = in;
  w->capacity = w->size + more;
  return true;
}

/* How many more bytes the packet needs whose start is there; it may be one that wire_next refuses. */
static size_t missing(const Wire *w) {
  Packet p;
  size_t need = 0, have = w->size - w->at;
  if (have == 0 || packet_read(w->in + w->at, have, w->most, &p, &need) != PACKET_MORE) return 0;
  return need - have;
}

int wire_read(Wire *w) {
  size_t want = missing(w), got = 0;
  if (want < READ_LEAST) want = READ_LEAST;
  if (w->at > 0 || w->capacity - w->size < want) {
    if (!make_room(w, want)) {
      errno = ENOMEM;
      return -1;
    }
  }
  while (got < READ_MOST && w->size < w->capacity) {
    ssize_t n = recv(w->fd, w->in + w->size, w->capacity - w->size, MSG_DONTWAIT);
    if (n > 0) {
      bool all = (size_t)n < w->capacity - w->size;
      w->size += (size_t)n;
      got += (size_t)n;
      if (all) break; /* nothing more, most likely: the next call asks */
      continue;
    }
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) break;
    if (got > 0) break; /* what came before the end is looked at first */
    if (n == 0) errno = 0;
    return -1;
  }
  return got > 0;
}

int wire_next(Wire *w, Packet *out) {
  size_t need;
  int result = packet_read(w->in + w->at, w->size - w->at, w->most, out, &need);
  if (result == PACKET_WHOLE) w->at += need;
  return result;
}

bool wire_has(const Wire *w) {
  Packet p;
  size_t need;
  return packet_read(w->in + w->at, w->size - w->at, w->most, &p, &need) != PACKET_MORE;
}

bool wire_take(Wire *w, const Packet *p, unsigned i, Taken *out) {
  size_t size = p->fields[i].size;
  if (size < TAKE_WHOLE) {
    uint8_t *copy = malloc(size > 0 ? size : 1);
    if (copy == NULL) return false;
    if (size > 0) memcpy(copy, p->fields[i].bytes, size);
    *out = (Taken){.memory = copy, .bytes = copy, .size = size};
    return true;
  }
  size_t rest = w->size - w->at;
  uint8_t *in = malloc(rest + READ_LEAST);
  if (in == NULL) return false;
  memcpy(in, w->in + w->at, rest);
  *out = (Taken){.memory = w->in, .bytes = p->fields[i].bytes, .size = size};
  w->in = in;
  w->at = 0;
  w->size = rest;
  w->capacity = rest + READ_LEAST;
  return true;
}
