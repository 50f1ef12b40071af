/* Reading sockets and writing connected streams past LuaSocket, without the lock.
 *
 * Who waits for data sits in the read itself: one system call a request, as in C. Such a read is ended by others
 * (blocking_wait_read). It needs a descriptor without O_NONBLOCK, which LuaSocket sets: it is taken away when somebody first
 * waits, and again where a read that was to wait did not. Everything of ours that must not wait says so itself (MSG_DONTWAIT). Who
 * asks for the descriptor (getfd) gets one with O_NONBLOCK, and it stays: then, and where signals end nothing, poll waits.
 *
 * SO_RCVTIMEO ends the read in time where that is as long as the socket's timeout; what is shorter, or left over, is poll's.
 * A read without timeout has none: the kernel's timer costs a fiftieth of a request.
 */
#include "runtime/socket/stream.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "runtime/os/signals.h"

enum { AT_ONCE_NS = 3000 };
static const int64_t SHORT_NS = 100000000;  /* what the kernel's ticks are too coarse for */
static const int64_t SLACK_NS = 2000000;    /* of the time that the call has taken until it waits */
static const struct timeval SEND_TIME = {.tv_usec = 1}; /* LuaSocket sends datagrams with the lock: a full buffer must not keep it */

typedef struct Read {
  int fd;
  char *bytes;
  size_t n;
  ssize_t got;
  struct sockaddr_storage *from; /* where a datagram's sender is put, with its size; NULL for a stream */
  socklen_t *from_size;
} Read;

const char *stream_words(int err) {
  switch (err) {
    case STREAM_CLOSED:
    case EPIPE:
    case ECONNABORTED:
    case ECONNRESET: return "closed";
    case STREAM_LATE:
    case ETIMEDOUT: return "timeout";
    case EACCES: return "permission denied";
    case ECONNREFUSED: return "connection refused";
    case EISCONN: return "already connected";
    default: return strerror(err);
  }
}

static int outcome(const Read *r) {
  if (r->got > 0 || (r->got == 0 && r->from != NULL)) return 0; /* a datagram may be empty */
  if (r->got == 0) return STREAM_CLOSED;
  return errno == EAGAIN || errno == EINTR ? STREAM_LATE : errno;
}

static void receive(Read *r, int flags) {
  r->got = r->from == NULL ? recv(r->fd, r->bytes, r->n, flags)
                           : recvfrom(r->fd, r->bytes, r->n, flags, (struct sockaddr *)r->from, r->from_size);
}

static int read_now(Read *r) {
  do receive(r, MSG_DONTWAIT);
  while (r->got < 0 && errno == EINTR);
  return outcome(r);
}

static void read_waiting(void *arg) { receive(arg, 0); }

/* How long the kernel is to wait in one read, 0: for ever, negative: poll is to wait. */
static int64_t limit_of(const Sock *s, int64_t deadline) {
  if (deadline == CLOCK_NEVER) return 0;
  double seconds = s->block >= 0 && (s->total < 0 || s->block < s->total) ? s->block : s->total;
  int64_t limit = (int64_t)(seconds * 1e9);
  return limit >= SHORT_NS && deadline - clock_ns() >= limit - SLACK_NS ? limit : -1;
}

/* Makes reads of the socket wait, for so long. */
static bool let_wait(const Tstate *ts, Sock *s, int fd, int64_t limit) {
  int off = 0;
  struct timeval time = {.tv_sec = limit / 1000000000, .tv_usec = limit % 1000000000 / 1000};
  if (s->limit != limit && setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time) != 0) return false;
  s->limit = limit;
  if (s->blocks) return true;
  if (!s->stream && setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &SEND_TIME, sizeof SEND_TIME) != 0) return false;
  int sig = gil_ask_signal(ts->gil.gil);
  if (sig != 0) os_unblock_signal(sig); /* C code may have blocked it */
  return s->blocks = ioctl(fd, FIONBIO, &off) == 0;
}

/* One wait, and a read. */
static int wait_and_read(lua_State *L, Sock *s, Read *r, int64_t deadline) {
  Tstate *ts = park_self(L);
  int64_t limit = s->lent || !blocking_by_signal(ts) ? -1 : limit_of(s, deadline);
  if (limit < 0 || !let_wait(ts, s, r->fd, limit)) {
    SockWait wait = sock_wait(L, s, POLLIN, deadline);
    if (wait != SOCK_READY) return wait == SOCK_LATE ? STREAM_LATE : STREAM_CLOSED;
    r->fd = sock_descriptor(L, s);
    return r->fd < 0 ? STREAM_CLOSED : read_now(r);
  }
  s->waiting++;
  blocking_name(ts, "socket");
  bool ended;
  ParkResult result = blocking_wait_read(ts, deadline, s, r->fd, read_waiting, r, &ended);
  int err = result == PARK_GRANTED ? outcome(r) : STREAM_LATE;
  if (ended || err == STREAM_LATE) s->blocks = false; /* perhaps; another process may have done that, too */
  sock_let_go(ts, s);
  if (result == PARK_REQUESTED) park_check(L, ts, result);
  return err;
}

static int read_any(lua_State *L, Sock *s, Read *r, size_t *got, int64_t begun) {
  const Gil *g = &park_self(L)->rt->gil;
  int64_t deadline = sock_deadline(s, begun);
  uint64_t first = clock_ticks(&g->clock);
  int err = STREAM_LATE;
  *got = 0;
  r->fd = sock_descriptor(L, s);
  if (s->closing || r->fd < 0) return STREAM_CLOSED;
  if (!s->idles || deadline == 0) err = read_now(r);
  for (bool again = false; err == STREAM_LATE && deadline != 0 && (!again || clock_ns() < deadline); again = true) {
    err = wait_and_read(L, s, r, deadline);
    if (s->closing) return STREAM_CLOSED;
    s->idles = (double)(clock_ticks(&g->clock) - first) > AT_ONCE_NS * g->ticks_per_ns;
  }
  if (err == 0) *got = (size_t)r->got;
  s->received += (double)*got;
  return err;
}

int stream_read(lua_State *L, Sock *s, char *bytes, size_t n, size_t *got, int64_t begun) {
  Read r = {.bytes = bytes, .n = n};
  return read_any(L, s, &r, got, begun);
}

int stream_read_datagram(lua_State *L, Sock *s, char *bytes, size_t n, size_t *got, struct sockaddr_storage *from,
                         socklen_t *from_size, int64_t begun) {
  Read r = {.bytes = bytes, .n = n, .from = from, .from_size = from_size};
  return read_any(L, s, &r, got, begun);
}

int stream_write(lua_State *L, Sock *s, const char *bytes, size_t n, size_t *sent, int64_t begun) {
  Tstate *ts = park_self(L);
  *sent = 0;
  while (*sent < n) {
    int fd = sock_descriptor(L, s);
    if (s->closing || fd < 0) return STREAM_CLOSED;
    s->waiting++;
    blocking_begin(ts, "send");
    ssize_t got = send(fd, bytes + *sent, n - *sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    int err = got < 0 ? errno : 0;
    blocking_end(ts);
    sock_let_go(ts, s);
    if (got > 0) *sent += (size_t)got;
    if (got > 0) s->sent += (double)got;
    if (err == EAGAIN) {
      SockWait wait = sock_wait(L, s, POLLOUT, sock_deadline(s, begun));
      if (wait != SOCK_READY) return wait == SOCK_LATE ? STREAM_LATE : STREAM_CLOSED;
    } else if (err != 0 && err != EINTR) {
      return err;
    }
  }
  return 0;
}

int stream_write_datagram(lua_State *L, Sock *s, const char *bytes, size_t n, const struct sockaddr *to, socklen_t to_size) {
  Tstate *ts = park_self(L);
  int fd = sock_descriptor(L, s), err;
  s->waiting++;
  blocking_begin_brief(ts, "send"); /* it never waits: a run with a schedule repeats */
  do err = sendto(fd, bytes, n, MSG_NOSIGNAL | MSG_DONTWAIT, to, to_size) < 0 ? errno : 0;
  while (err == EINTR);
  blocking_end(ts);
  sock_let_go(ts, s);
  return err;
}

void stream_lend(lua_State *L, Sock *s) {
  int on = 1, fd = sock_descriptor(L, s);
  s->lent = true;
  if (s->blocks && fd >= 0) ioctl(fd, FIONBIO, &on);
  s->blocks = false;
}
