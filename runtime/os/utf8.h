/* Text that came from anywhere, for what must be UTF-8. */
#ifndef GILUA_RUNTIME_OS_UTF8_H
#define GILUA_RUNTIME_OS_UTF8_H

#include <stddef.h>
#include <stdio.h>

/* utf8_length returns how many bytes the character at p has, in text that ends with a zero; 0: it is no UTF-8. */
static inline size_t utf8_length(const char *text) {
  const unsigned char *p = (const unsigned char *)text;
  size_t n = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : p[0] < 0xf5 ? 4 : 0;
  for (size_t i = 1; i < n; i++)
    if ((p[i] & 0xc0) != 0x80) return 0; /* the end, too */
  if (n == 3 && ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f))) return 0; /* long forms, surrogates */
  if (n == 4 && ((p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))) return 0;
  return n;
}

/* utf8_shown returns what people are shown of the character at text, of *n bytes, and moves text on: what is no UTF-8, or would
 * move the cursor or give the terminal an order, is U+FFFD. */
static inline const char *utf8_shown(const char **text, size_t *n) {
  const unsigned char *p = (const unsigned char *)*text;
  size_t length = utf8_length(*text);
  *text += length == 0 ? 1 : length;
  *n = length;
  if (length != 0 && p[0] >= 0x20 && p[0] != 0x7f && (p[0] != 0xc2 || p[1] >= 0xa0)) return (const char *)p;
  *n = 3;
  return "\xef\xbf\xbd";
}

/* utf8_print writes at most `most` characters of text for people to read. Returns how many it wrote. */
static inline int utf8_print(FILE *out, const char *text, int most) {
  int written = 0;
  for (; *text != '\0' && written < most; written++) {
    size_t n;
    const char *shown = utf8_shown(&text, &n);
    fwrite(shown, 1, n, out);
  }
  return written;
}

#endif
