/* A plain stream is written by stdio, without the interpreter lock where stdio enters the kernel. Of a slow one the
 * descriptor is asked first and gets as much as it surely takes: what stdio had begun to write could neither be stopped
 * nor, at EAGAIN, be saved. */
#include "runtime/io/write.h"

#include <errno.h>
#include <limits.h>
#include <stdio_ext.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "runtime/os/stdio.h"

static bool put(StreamCall *c, const char *bytes, size_t n) {
  stream_hold(c);
  return stdio_put(c->f, bytes, n);
}

/* Writes once: what is pending, and of the n bytes as much as fits one piece; *n becomes how many of them went. With the
 * FILE lock, without the other. */
static ssize_t write_piece(FILE *f, const char *bytes, size_t *n) {
  const char *pending;
  size_t before = stdio_pending(f, &pending), first = before < PIPE_BUF ? before : PIPE_BUF;
  struct iovec parts[2] = {{(char *)pending, first}, {(char *)bytes, *n < PIPE_BUF - first ? *n : PIPE_BUF - first}};
  int fd = fileno_unlocked(f);
  const struct iovec *only = &parts[first > 0 ? 0 : 1];
  ssize_t k = first > 0 && *n > 0 ? writev(fd, parts, 2) : write(fd, only->iov_base, only->iov_len);
  size_t done = k > 0 ? (size_t)k : 0;
  if (before > 0) stdio_drop(f, done < first ? done : first);
  *n = done > first ? done - first : 0;
  return k;
}

static bool nothing_left(StreamCall *c, size_t n) {
  const char *pending;
  stream_hold(c);
  return n == 0 && stdio_pending(c->f, &pending) == 0;
}

/* The descriptor takes PIPE_BUF bytes without making us wait, as far as one can know. */
static StreamResult ask(StreamCall *c, size_t n) {
  Stream *s = c->s;
  if (n <= s->credit) return STREAM_OK;
  StreamResult ready = stream_await(c, POLLOUT);
  if (ready == STREAM_OK) s->credit = s->pipe ? PIPE_BUF : 0;
  return ready;
}

static StreamResult fail(StreamCall *c) {
  int saved = errno;
  stream_hold(c);
  __fpurge(c->f);
  errno = saved;
  return STREAM_FAILED;
}

/* What the end of the program stopped would stop that end in turn, when the file is closed. */
static StreamResult stop(StreamCall *c, StreamResult result) {
  if (c->ts->rt->phase >= PHASE_CANCELLING) {
    stream_hold(c);
    __fpurge(c->f);
  }
  return result;
}

/* Writes what is pending and the bytes to the descriptor; the rest that fits the buffer stays there, unless `all`. */
static StreamResult push(StreamCall *c, const char *bytes, size_t n, bool all) {
  while (all ? !nothing_left(c, n) : n > 0 && !put(c, bytes, n)) {
    const char *pending;
    stream_hold(c);
    size_t want = stdio_pending(c->f, &pending) + n;
    StreamResult ready = ask(c, want < PIPE_BUF ? want : PIPE_BUF);
    if (ready != STREAM_OK) return stop(c, ready);
    size_t went = n;
    stream_leave(c, "write");
    ssize_t k = write_piece(c->f, bytes, &went);
    stream_back(c);
    bytes += went;
    n -= went;
    c->s->credit = k > 0 && (size_t)k < c->s->credit ? c->s->credit - (unsigned)k : 0;
    if (k < 0 && errno != EINTR && errno != EAGAIN && errno != EWOULDBLOCK) return fail(c);
  }
  return STREAM_OK;
}

/* By lines: up to the last newline at once, the rest stays in the buffer. */
static StreamResult write_slow(StreamCall *c, const char *bytes, size_t n) {
  if (!__fwritable(c->f)) {
    errno = EBADF;
    return STREAM_FAILED;
  }
  stream_hold(c);
  stdio_prepare(c->f);
  if (__flbf(c->f)) {
    const char *newline = memrchr(bytes, '\n', n);
    size_t lines = newline != NULL ? (size_t)(newline - bytes) + 1 : 0;
    StreamResult result = push(c, bytes, lines, false);
    if (result != STREAM_OK) return result;
    bytes += lines;
    n -= lines;
  }
  return push(c, bytes, n, false);
}

StreamResult write_bytes(StreamCall *c, const char *bytes, size_t n) {
  if (put(c, bytes, n)) return STREAM_OK;
  if (n == 0) return STREAM_OK;
  if (stream_slow(c)) return write_slow(c, bytes, n);
  stream_leave(c, "write");
  bool good = fwrite_unlocked(bytes, 1, n, c->f) == n;
  stream_back(c);
  return good ? STREAM_OK : STREAM_FAILED;
}

StreamResult write_drain(StreamCall *c) { return stream_slow(c) ? push(c, NULL, 0, true) : STREAM_OK; }

StreamResult write_flush(StreamCall *c) {
  StreamResult result = write_drain(c);
  if (result != STREAM_OK || (c->s->slow && __fwriting(c->f))) return result;
  stream_leave(c, "write");
  bool good = fflush_unlocked(c->f) == 0;
  stream_back(c);
  return good ? STREAM_OK : STREAM_FAILED;
}
