/* Text to a file, without stdio: a forked child must not write what its parent had in a buffer. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "runtime/trace/format.h"

void out_flush(Out *out) {
  size_t done = 0;
  while (done < out->used && out->err == 0) {
    ssize_t n = write(out->fd, out->room + done, out->used - done);
    if (n > 0) done += (size_t)n;
    else if (n == 0 || errno != EINTR) out->err = n == 0 ? EIO : errno;
  }
  out->used = 0;
}

static void out_bytes(Out *out, const char *bytes, size_t n) {
  while (n > 0) {
    if (out->used == OUT_ROOM) out_flush(out);
    size_t part = n < OUT_ROOM - out->used ? n : OUT_ROOM - out->used;
    memcpy(out->room + out->used, bytes, part);
    out->used += part;
    bytes += part;
    n -= part;
  }
}

void out_text(Out *out, const char *text) { out_bytes(out, text, strlen(text)); }

void out_quoted(Out *out, const char *text) {
  static const char digits[] = "0123456789abcdef";
  for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++) {
    char escaped[] = "\\u00xx";
    if (*p >= 0x20 && *p != '"' && *p != '\\' && *p != '<' && *p < 0x80) {
      out_bytes(out, (const char *)p, 1);
      continue;
    }
    /* other bytes may be no UTF-8: shown as Latin-1, which never makes a file unreadable */
    escaped[4] = digits[*p >> 4];
    escaped[5] = digits[*p & 15];
    out_bytes(out, escaped, sizeof escaped - 1);
  }
}

void out_number(Out *out, uint64_t n) {
  char digits[24];
  size_t at = sizeof digits;
  do digits[--at] = (char)('0' + n % 10); while ((n /= 10) != 0);
  out_bytes(out, digits + at, sizeof digits - at);
}
