/* The GNU C library's FILE. The fields are in its public headers, for getc_unlocked and putc_unlocked; the flags are not, and have been as they are for decades. */
#include "runtime/os/stdio.h"

#include <errno.h>
#include <stdio_ext.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#ifndef __GLIBC__
#error "runtime/os/stdio.c knows the GNU C library only"
#endif

enum {
  FLAG_UNBUFFERED = 0x0002,
  FLAG_NO_READS = 0x0004,
  FLAG_AT_END = 0x0010,
  FLAG_ERROR = 0x0020,
  FLAG_IN_BACKUP = 0x0100, /* the get area is that of bytes put back; the buffer's own waits in _IO_save_base */
  FLAG_BY_LINES = 0x0200,
  FLAG_PUTTING = 0x0800,
};

size_t stdio_readable(FILE *f, const char **bytes) {
  if (f->_IO_read_ptr == f->_IO_read_end && (f->_flags & FLAG_IN_BACKUP) != 0 && f->_IO_save_base != f->_IO_save_end) {
    int c = getc_unlocked(f); /* switches to the buffer */
    if (c != EOF) ungetc(c, f);
  }
  *bytes = f->_IO_read_ptr;
  return (size_t)(f->_IO_read_end - f->_IO_read_ptr);
}

void stdio_skip(FILE *f, size_t n) { f->_IO_read_ptr += n; }

size_t stdio_room(FILE *f) {
  const int special = FLAG_UNBUFFERED | FLAG_NO_READS | FLAG_AT_END | FLAG_ERROR | FLAG_IN_BACKUP | FLAG_BY_LINES | FLAG_PUTTING;
  if ((f->_flags & special) != 0 || f->_IO_buf_base == NULL || f->_IO_save_base != NULL) return 0;
  if (f->_IO_read_ptr != f->_IO_read_end || f->_offset != -1) return 0; /* -1: the descriptor has no position */
  return (size_t)(f->_IO_buf_end - f->_IO_buf_base);
}

/* The first n bytes of the buffer are what was read. As the C library's own underflow does it; what is not the plain case is left to
 * that. */
static void filled(FILE *f, size_t n) {
  f->_IO_read_base = f->_IO_read_ptr = f->_IO_buf_base;
  f->_IO_read_end = f->_IO_buf_base + n;
  f->_IO_write_base = f->_IO_write_ptr = f->_IO_write_end = f->_IO_buf_base;
}

ssize_t stdio_fill_now(FILE *f) {
  struct iovec buffer = {f->_IO_buf_base, stdio_room(f)};
  if (buffer.iov_len == 0) return STDIO_NOT_NOW;
  int saved = errno;
  ssize_t k = preadv2(fileno_unlocked(f), &buffer, 1, -1, RWF_NOWAIT);
  bool never = k < 0 && errno != EAGAIN && errno != EINTR;
  errno = saved;
  if (k <= 0) return never ? STDIO_NEVER : 0;
  filled(f, (size_t)k);
  return k;
}

bool stdio_fill(FILE *f, const char *bytes, size_t n) {
  if (stdio_room(f) < n) return stdio_unread(f, bytes, n);
  memcpy(f->_IO_buf_base, bytes, n);
  filled(f, n);
  return true;
}

bool stdio_unread(FILE *f, const char *bytes, size_t n) {
  while (n > 0)
    if (ungetc((unsigned char)bytes[--n], f) == EOF) return false;
  return true;
}

void stdio_set_end(FILE *f) { f->_flags |= FLAG_AT_END; }

/* How many bytes fit behind what is pending. */
static size_t room(const FILE *f) {
  if (f->_IO_buf_base == NULL) return 0;
  if ((f->_flags & FLAG_PUTTING) != 0) return (size_t)(f->_IO_buf_end - f->_IO_write_ptr);
  /* writing begins where reading stopped; at the buffer's start if there was none, or it stopped at the buffer's end */
  bool anew = f->_IO_read_ptr == NULL || f->_IO_read_ptr == f->_IO_buf_end;
  return (size_t)(f->_IO_buf_end - (anew ? f->_IO_buf_base : f->_IO_read_ptr));
}

bool stdio_put(FILE *f, const char *bytes, size_t n) {
  ptrdiff_t free = f->_IO_write_end - f->_IO_write_ptr; /* not above 0 for streams by lines */
  if (free > 0 && (size_t)free > n) {
    memcpy(f->_IO_write_ptr, bytes, n);
    f->_IO_write_ptr += n;
    return true;
  }
  if ((f->_flags & FLAG_UNBUFFERED) != 0 || !__fwritable(f) || room(f) <= n) return false;
  if (__flbf(f) && memchr(bytes, '\n', n) != NULL) return false;
  return fwrite_unlocked(bytes, 1, n, f) == n;
}

void stdio_prepare(FILE *f) {
  if (f->_IO_buf_base != NULL || (f->_flags & FLAG_UNBUFFERED) != 0) return;
  bool lines = __flbf(f) != 0 || isatty(fileno_unlocked(f));
  setvbuf(f, NULL, _IOFBF, 0); /* allocates */
  if (lines) setvbuf(f, NULL, _IOLBF, 0);
}

size_t stdio_pending(FILE *f, const char **bytes) {
  *bytes = f->_IO_write_base;
  return (f->_flags & FLAG_PUTTING) != 0 ? (size_t)(f->_IO_write_ptr - f->_IO_write_base) : 0;
}

void stdio_drop(FILE *f, size_t n) {
  memmove(f->_IO_write_base, f->_IO_write_base + n, (size_t)(f->_IO_write_ptr - f->_IO_write_base) - n);
  f->_IO_write_ptr -= n;
}

extern FILE *_IO_list_all; /* every stream, linked by _chain; exported since glibc 2.1, declared nowhere */
extern void _IO_list_lock(void), _IO_list_unlock(void); /* the same; who closes a stream waits */

void stdio_drop_pending(void) {
  for (FILE *f = _IO_list_all; f != NULL; f = f->_chain)
    if (__fpending(f) > 0) __fpurge(f);
}

void stdio_flush_free(void) {
  _IO_list_lock();
  for (FILE *f = _IO_list_all; f != NULL; f = f->_chain) {
    if (__fpending(f) == 0 || ftrylockfile(f) != 0) continue;
    fflush_unlocked(f);
    funlockfile(f);
  }
  _IO_list_unlock();
}
