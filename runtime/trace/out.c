/* Text to a file, without stdio: a forked child must not write what its parent had in a buffer. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "runtime/os/utf8.h"
#include "runtime/trace/format.h"

bool out_begin_tail(Out *out) {
  out_flush(out);
  out->end = lseek(out->fd, 0, SEEK_CUR);
  return out->end >= 0 && out->err == 0;
}

void out_end_tail(Out *out) {
  out_flush(out);
  out->has_tail = lseek(out->fd, out->end, SEEK_SET) >= 0;
}

void out_flush(Out *out) {
  size_t done = 0;
  if (out->used == 0) return;
  if (out->has_tail && ftruncate(out->fd, out->end) != 0 && out->err == 0) out->err = errno;
  out->has_tail = false;
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
  for (size_t n; *text != '\0'; text += n) {
    char escaped[] = "\\u00xx";
    n = utf8_length(text);
    if (n == 0) { /* a byte that is none, or the beginning of a character that was cut */
      out_text(out, "\\ufffd");
      n = 1;
    } else if (n > 1 || (*text >= 0x20 && *text != '"' && *text != '\\' && *text != '<' && *text != 0x7f)) {
      out_bytes(out, text, n);
    } else {
      escaped[4] = digits[*text >> 4];
      escaped[5] = digits[*text & 15];
      out_bytes(out, escaped, sizeof escaped - 1);
    }
  }
}

void out_number(Out *out, uint64_t n) {
  char digits[24];
  size_t at = sizeof digits;
  do digits[--at] = (char)('0' + n % 10); while ((n /= 10) != 0);
  out_bytes(out, digits + at, sizeof digits - at);
}
