/* Items are taken from stdio's buffer in one look where it has them. Else the buffer is filled without the interpreter
 * lock, and what does not fit it is gathered in the stream's spill: owned memory, so that nothing raises amid a call. */
#include "runtime/io/read.h"

#include <ctype.h>
#include <errno.h>
#include <locale.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/io/write.h"
#include "runtime/os/stdio.h"
#include "runtime/state/finalizer.h"

enum { SPILL_FIRST = 1024 };

/* Opened for writing only: its descriptor may know better, but stdio refuses. */
static StreamResult not_readable(void) {
  errno = EBADF;
  return STREAM_FAILED;
}

/* What is still to be written goes out before anything is read, as stdio does it when it fills its buffer: whoever is to
 * answer waits for it, and fread of a large block would forget it. */
static StreamResult turn_to_reading(StreamCall *c) {
  const char *pending;
  stream_hold(c);
  return stdio_pending(c->f, &pending) > 0 ? write_flush(c) : STREAM_OK;
}

/* What a pipe has at once costs one system call, which keeps the interpreter lock: it is over before leaving would pay.
 * An empty pipe is waited for and tried once more. END: an ordinary read has to tell. */
static StreamResult fill_now(StreamCall *c) {
  ssize_t k = STDIO_NOT_NOW;
  if (c->s->at_once && !waits_forbidden(c->ts)) {
    stream_hold(c);
    k = stdio_fill_now(c->f);
    c->s->at_once = k != STDIO_NEVER;
  }
  if (k > 0) return STREAM_OK;
  StreamResult ready = k == 0 ? stream_sleep(c, POLLIN) : stream_await(c, POLLIN);
  if (ready != STREAM_OK) return ready;
  if (k < 0) return STREAM_END;
  stream_hold(c);
  return stdio_fill_now(c->f) > 0 ? STREAM_OK : STREAM_END;
}

/* An empty buffer is filled. FAILED is an error of the stream, and cleared: the caller reports it. */
static StreamResult fill(StreamCall *c) {
  for (;;) {
    StreamResult turned = turn_to_reading(c);
    if (turned != STREAM_OK) return turned;
    if (!__freadable(c->f)) return not_readable();
    if (feof_unlocked(c->f)) return STREAM_END; /* found by another item of the same call */
    if (stream_slow(c)) {
      StreamResult ready = fill_now(c);
      if (ready != STREAM_END) return ready;
    }
    stream_leave(c, "read");
    errno = 0;
    int ch = getc_unlocked(c->f), err = errno;
    if (ch != EOF) ungetc(ch, c->f);
    bool failed = ch == EOF && ferror_unlocked(c->f);
    if (failed) clearerr_unlocked(c->f);
    stream_back(c);
    if (!failed) return ch != EOF ? STREAM_OK : STREAM_END;
    bool retry = err == EINTR || ((err == EAGAIN || err == EWOULDBLOCK) && stream_slow(c));
    errno = err;
    if (!retry) return STREAM_FAILED;
  }
}

/* Gives room for `more` bytes behind the first n of the spill. */
static bool grow(Stream *s, size_t n, size_t more) {
  if (more > SIZE_MAX / 2 - n) return false;
  if (n + more <= s->room) return true;
  size_t room = s->room > 0 ? 2 * s->room : SPILL_FIRST;
  if (room < n + more) room = n + more;
  char *spill = realloc(s->spill, room);
  if (spill == NULL) return false;
  s->spill = spill;
  s->room = room;
  return true;
}

/* The call ends without a result: what it took is put back. */
static StreamResult give_back(StreamCall *c, const char *bytes, size_t n, StreamResult result) {
  int saved = errno;
  stream_hold(c);
  stdio_unread(c->f, bytes, n);
  errno = saved;
  return result;
}

/* Takes the buffer up to a newline, or all of it; appended to the n bytes of the spill unless it is a whole line by
 * itself. *found: there was the newline. */
static StreamResult take_line(StreamCall *c, size_t *n, ReadBytes *line, bool *found) {
  const char *bytes;
  stream_hold(c);
  size_t have = stdio_readable(c->f, &bytes);
  const char *end = have > 0 ? memchr(bytes, '\n', have) : NULL;
  if (end != NULL) have = (size_t)(end - bytes) + 1;
  *found = end != NULL;
  if (*found && *n == 0) { /* stays where it is: nobody fills the buffer before the interpreter lock is left */
    *line = (ReadBytes){bytes, have};
  } else if (have > 0) {
    if (!grow(c->s, *n, have)) return STREAM_NO_MEMORY;
    memcpy(c->s->spill + *n, bytes, have);
    *n += have;
    *line = (ReadBytes){c->s->spill, *n};
  }
  stdio_skip(c->f, have);
  return STREAM_OK;
}

StreamResult read_line(StreamCall *c, ReadBytes *line) {
  size_t n = 0;
  *line = (ReadBytes){"", 0};
  for (;;) {
    bool found;
    StreamResult result = take_line(c, &n, line, &found);
    if (result == STREAM_OK && found) return STREAM_OK;
    if (result == STREAM_OK) result = fill(c);
    if (result == STREAM_END) return n > 0 ? STREAM_OK : STREAM_END;
    if (result != STREAM_OK) return give_back(c, c->s->spill, n, result);
  }
}

/* Takes up to n bytes out of the buffer. */
static size_t take(StreamCall *c, char *to, size_t n) {
  const char *bytes;
  stream_hold(c);
  size_t have = stdio_readable(c->f, &bytes);
  if (have > n) have = n;
  if (have > 0) memcpy(to, bytes, have);
  stdio_skip(c->f, have);
  return have;
}

/* A stream that never waits for anybody: all at once, large blocks past the buffer. */
static StreamResult read_plain(StreamCall *c, char *to, size_t n, size_t *got) {
  for (;;) {
    stream_leave(c, "read");
    errno = 0;
    size_t k = fread_unlocked(to + *got, 1, n - *got, c->f);
    int err = errno;
    bool failed = ferror_unlocked(c->f);
    if (failed) clearerr_unlocked(c->f);
    stream_back(c);
    *got += k;
    errno = err;
    if (!failed) return *got > 0 ? STREAM_OK : STREAM_END;
    if (err != EINTR) return STREAM_FAILED;
  }
}

/* The buffer of a slow stream is empty: large blocks go past it. */
static StreamResult read_past(StreamCall *c, char *to, size_t n, size_t *got) {
  for (;;) {
    StreamResult ready = turn_to_reading(c);
    if (ready != STREAM_OK) return ready;
    if (!__freadable(c->f)) return not_readable();
    if (feof_unlocked(c->f)) return STREAM_END;
    ready = stream_await(c, POLLIN);
    if (ready != STREAM_OK) return ready;
    stream_leave(c, "read");
    const char *bytes;
    bool filled = stdio_readable(c->f, &bytes) > 0; /* by a finalizer */
    ssize_t k = filled ? 0 : read(fileno_unlocked(c->f), to, n);
    if (k == 0 && !filled) stdio_set_end(c->f);
    stream_back(c);
    if (filled) return STREAM_OK;
    if (k >= 0) {
      *got += (size_t)k;
      return k > 0 ? STREAM_OK : STREAM_END;
    }
    if (errno != EINTR && errno != EAGAIN && errno != EWOULDBLOCK) return STREAM_FAILED;
  }
}

/* Reads n bytes to `to`, *got in all. What was taken before a failure is put back. */
static StreamResult read_to(StreamCall *c, char *to, size_t n, size_t *got) {
  *got = take(c, to, n);
  if (*got == n) return STREAM_OK;
  if (!stream_slow(c)) {
    StreamResult result = turn_to_reading(c);
    if (result == STREAM_OK) result = read_plain(c, to, n, got);
    return result == STREAM_FAILED ? give_back(c, to, *got, result) : result;
  }
  while (*got < n) {
    StreamResult result = n - *got >= BUFSIZ ? read_past(c, to + *got, n - *got, got) : fill(c);
    if (result == STREAM_END) return *got > 0 ? STREAM_OK : STREAM_END;
    if (result != STREAM_OK) return give_back(c, to, *got, result);
    if (*got < n) *got += take(c, to + *got, n - *got);
  }
  return STREAM_OK;
}

StreamResult read_block(StreamCall *c, size_t n, ReadBytes *block) {
  size_t got;
  if (!grow(c->s, 0, n)) return STREAM_NO_MEMORY;
  StreamResult result = read_to(c, c->s->spill, n, &got);
  *block = (ReadBytes){c->s->spill, got};
  return result;
}

/* How much a plain file still holds, as a guess. */
static size_t rest_of(StreamCall *c) {
  struct stat st;
  int fd = fileno(c->f);
  if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) return 0;
  off_t at = ftello(c->f);
  return at >= 0 && at < st.st_size ? (size_t)(st.st_size - at) : 0;
}

StreamResult read_rest(StreamCall *c, ReadBytes *rest) {
  size_t n = 0, more = rest_of(c) + 1; /* one more, to meet the end in the same read */
  if (more < BUFSIZ) more = BUFSIZ;
  for (;;) {
    size_t got = 0;
    StreamResult result = grow(c->s, n, more) ? STREAM_OK : STREAM_NO_MEMORY;
    if (result == STREAM_OK) {
      /* a slow stream gives what it has: a full block may be long in coming */
      if (stream_slow(c)) {
        got = take(c, c->s->spill + n, more);
        if (got == 0) result = read_past(c, c->s->spill + n, more, &got);
      } else {
        result = read_to(c, c->s->spill + n, more, &got);
      }
    }
    n += got;
    if (result == STREAM_END || (result == STREAM_OK && got < more && !stream_slow(c))) break;
    if (result != STREAM_OK) return give_back(c, c->s->spill, n, result);
    more = n < BUFSIZ ? BUFSIZ : n;
  }
  *rest = (ReadBytes){n > 0 ? c->s->spill : "", n};
  return STREAM_OK;
}

StreamResult read_probe(StreamCall *c) {
  const char *bytes;
  stream_hold(c);
  size_t have = stdio_readable(c->f, &bytes);
  return have > 0 ? STREAM_OK : fill(c);
}

/* A numeral as it is read: `next` is the byte behind it, EOF before the first and at the end. */
typedef struct Numeral {
  StreamCall *c;
  StreamResult result; /* of reading; END is the end of the stream */
  int next;
  size_t n;
  bool too_long;
  char *to;
} Numeral;

static void peek(Numeral *m) {
  const char *bytes;
  m->next = EOF;
  while (m->result == STREAM_OK) {
    stream_hold(m->c);
    if (stdio_readable(m->c->f, &bytes) > 0) {
      m->next = (unsigned char)bytes[0];
      return;
    }
    m->result = fill(m->c);
  }
}

static void skip(Numeral *m) {
  stdio_skip(m->c->f, 1);
  peek(m);
}

/* Accepts the next byte; false if the numeral gets too long. */
static bool accept(Numeral *m) {
  if (m->n >= READ_NUMERAL_MAX) {
    m->too_long = true;
    return false;
  }
  m->to[m->n++] = (char)m->next;
  skip(m);
  return true;
}

static bool accept_one_of(Numeral *m, char a, char b) {
  return (m->next == (unsigned char)a || m->next == (unsigned char)b) && accept(m);
}

static int accept_digits(Numeral *m, bool hex) {
  int count = 0;
  while (m->next != EOF && (hex ? isxdigit(m->next) : isdigit(m->next)) && accept(m)) count++;
  return count;
}

StreamResult read_numeral(StreamCall *c, char to[READ_NUMERAL_MAX + 1]) {
  Numeral m = {.c = c, .to = to};
  const char point = localeconv()->decimal_point[0];
  bool hex = false;
  int digits = 0;
  for (peek(&m); m.next != EOF && isspace(m.next);) skip(&m);
  accept_one_of(&m, '-', '+');
  if (accept_one_of(&m, '0', '0')) {
    if (accept_one_of(&m, 'x', 'X')) hex = true;
    else digits = 1;
  }
  digits += accept_digits(&m, hex);
  if (accept_one_of(&m, point, '.')) digits += accept_digits(&m, hex);
  if (digits > 0 && accept_one_of(&m, hex ? 'p' : 'e', hex ? 'P' : 'E')) {
    accept_one_of(&m, '-', '+');
    accept_digits(&m, false);
  }
  to[m.too_long ? 0 : m.n] = '\0';
  if (m.result == STREAM_OK || m.result == STREAM_END) return STREAM_OK;
  return give_back(c, to, m.n, m.result);
}
