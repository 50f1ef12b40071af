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
#include "runtime/state/request.h"

enum {
  SPILL_FIRST = 1024,
  GULP = 4096, /* at most, where a thread waits in a read: who waited for long waited for little */
  PIECE = 16 << 20 /* bytes after which a read that waits for nobody looks whether a request ends it: some milliseconds */
};

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

/* The thread waits in the read itself. END: an ordinary read has to tell. */
static __attribute__((noinline)) StreamResult fill_waiting(StreamCall *c, size_t room) {
  char bytes[GULP];
  ssize_t k;
  if (!stream_wait_read(c, bytes, room < GULP ? room : GULP, &k)) return STREAM_END;
  if (k < 0) return STREAM_FAILED;
  stream_hold(c);
  if (k > 0) return stdio_fill(c->f, bytes, (size_t)k) ? STREAM_OK : STREAM_NO_MEMORY;
  stdio_set_end(c->f);
  return STREAM_END;
}

/* What a pipe has at once costs one system call, which keeps the interpreter lock: it is over before leaving would pay. */
static ssize_t fill_at_once(StreamCall *c) {
  if (!c->s->at_once || waits_forbidden(c->ts)) return STDIO_NOT_NOW;
  stream_hold(c);
  ssize_t k = stdio_fill_now(c->f);
  c->s->at_once = k != STDIO_NEVER;
  return k;
}

/* An empty pipe is waited for, in the read itself or before it is tried once more. END: an ordinary read has to tell. */
static StreamResult fill_slow(StreamCall *c) {
  stream_hold(c);
  size_t room = stdio_room(c->f);
  bool direct = room > 0 && stream_may_wait_in_read(c), idles = direct && stream_idles(c);
  ssize_t k = idles ? STDIO_NOT_NOW : fill_at_once(c);
  if (k > 0) return STREAM_OK;
  if (direct) {
    if (!idles && k != 0 && stream_ready(c, POLLIN)) return STREAM_END;
    StreamResult result = fill_waiting(c, room);
    if (result != STREAM_END || feof_unlocked(c->f)) return result;
  }
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
      StreamResult ready = fill_slow(c);
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

/* What waits for nobody may have no end all the same: /dev/urandom. */
static bool stopped(StreamCall *c, size_t n) {
  if (n < PIECE || !request_pending(c->ts) || waits_forbidden(c->ts)) return false;
  c->park = PARK_REQUESTED;
  return true;
}

/* How many bytes may follow the first n: more than Lua may have becomes no string of Lua. */
static size_t most_behind(const StreamCall *c, size_t n) {
  size_t most = c->ts->rt->memory_most;
  if (most == 0 || most > SIZE_MAX / 2) most = SIZE_MAX / 2;
  return n < most ? most - n : 0;
}

/* Gives room for `more` bytes behind the first n of the spill. */
static bool grow(StreamCall *c, size_t n, size_t more) {
  Stream *s = c->s;
  if (more > most_behind(c, n)) return false;
  if (n + more <= s->room) return true;
  size_t room = s->room > 0 ? 2 * s->room : SPILL_FIRST;
  if (room < n + more) room = n + more;
  char *spill = realloc(s->spill, room);
  if (spill == NULL) return false;
  s->spill = spill;
  s->room = room;
  return true;
}

/* The call ends without a result: what it took is put back. Many bytes of what waits for nobody are read again; a device that
 * has no place to read from gives others. */
static StreamResult give_back(StreamCall *c, const char *bytes, size_t n, StreamResult result) {
  int saved = errno;
  stream_hold(c);
  if (n < PIECE || stream_slow(c)) stdio_unread(c->f, bytes, n);
  else fseeko(c->f, -(off_t)n, SEEK_CUR);
  errno = saved;
  return result;
}

/* The same for who counts what it has: nothing any more. */
static StreamResult give_all_back(StreamCall *c, const char *bytes, size_t *n, StreamResult result) {
  size_t taken = *n;
  *n = 0;
  return give_back(c, bytes, taken, result);
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
    if (!grow(c, *n, have)) return STREAM_NO_MEMORY;
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
    if (result == STREAM_OK) result = stopped(c, n) ? STREAM_STOPPED : fill(c);
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

/* A stream that never waits for anybody: large blocks past the buffer, as many at once as a request can wait for. */
static StreamResult read_plain(StreamCall *c, char *to, size_t n, size_t *got) {
  size_t before = *got;
  for (;;) {
    size_t piece = n - *got < PIECE ? n - *got : PIECE;
    stream_leave(c, "read");
    errno = 0;
    size_t k = fread_unlocked(to + *got, 1, piece, c->f);
    int err = errno;
    bool failed = ferror_unlocked(c->f);
    if (failed) clearerr_unlocked(c->f);
    stream_back(c);
    *got += k;
    errno = err;
    if (failed && err != EINTR) return STREAM_FAILED;
    if (!failed && (k < piece || *got == n)) return *got > 0 ? STREAM_OK : STREAM_END;
    if (stopped(c, *got - before)) return STREAM_STOPPED;
  }
}

/* Reads once, when there is something. END: a finalizer has filled the buffer. */
static StreamResult read_once(StreamCall *c, char *to, size_t n, ssize_t *k) {
  const char *bytes;
  bool direct = stream_may_wait_in_read(c), ready = direct && !stream_idles(c) && stream_ready(c, POLLIN);
  if (direct && !ready && stream_wait_read(c, to, n, k)) {
    stream_hold(c);
    if (*k == 0) stdio_set_end(c->f);
    return STREAM_OK;
  }
  StreamResult waited = ready ? STREAM_OK : stream_await(c, POLLIN);
  if (waited != STREAM_OK) return waited;
  stream_leave(c, "read");
  bool filled = stdio_readable(c->f, &bytes) > 0;
  *k = filled ? 0 : read(fileno_unlocked(c->f), to, n);
  if (*k == 0 && !filled) stdio_set_end(c->f);
  stream_back(c);
  return filled ? STREAM_END : STREAM_OK;
}

/* The buffer of a slow stream is empty: large blocks go past it. */
static StreamResult read_past(StreamCall *c, char *to, size_t n, size_t *got) {
  for (;;) {
    ssize_t k;
    StreamResult ready = turn_to_reading(c);
    if (ready != STREAM_OK) return ready;
    if (!__freadable(c->f)) return not_readable();
    if (feof_unlocked(c->f)) return STREAM_END;
    ready = read_once(c, to, n, &k);
    if (ready == STREAM_END) return STREAM_OK;
    if (ready != STREAM_OK) return ready;
    if (k >= 0) {
      *got += (size_t)k;
      return k > 0 ? STREAM_OK : STREAM_END;
    }
    if (errno != EINTR && errno != EAGAIN && errno != EWOULDBLOCK) return STREAM_FAILED;
  }
}

/* Reads n bytes to `to`, *got in all. What was taken before a failure is put back; *got is 0 then. */
static StreamResult read_to(StreamCall *c, char *to, size_t n, size_t *got) {
  *got = take(c, to, n);
  if (*got == n) return STREAM_OK;
  if (!stream_slow(c)) {
    StreamResult result = turn_to_reading(c);
    if (result == STREAM_OK) result = read_plain(c, to, n, got);
    return result == STREAM_OK || result == STREAM_END ? result : give_all_back(c, to, got, result);
  }
  while (*got < n) {
    StreamResult result = n - *got >= BUFSIZ ? read_past(c, to + *got, n - *got, got) : fill(c);
    if (result == STREAM_END) return *got > 0 ? STREAM_OK : STREAM_END;
    if (result != STREAM_OK) return give_all_back(c, to, got, result);
    if (*got < n) *got += take(c, to + *got, n - *got);
  }
  return STREAM_OK;
}

StreamResult read_block(StreamCall *c, size_t n, ReadBytes *block) {
  size_t got;
  if (!grow(c, 0, n)) return STREAM_NO_MEMORY;
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
    StreamResult result = stopped(c, n) ? STREAM_STOPPED : grow(c, n, more) ? STREAM_OK : STREAM_NO_MEMORY;
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
    size_t most = most_behind(c, n);
    more = n < BUFSIZ ? BUFSIZ : n;
    if (more > most) more = most > 0 ? most : 1; /* 1: which is refused */
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
