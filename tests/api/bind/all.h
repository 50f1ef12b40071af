// What the library of bind_test.lua has: a parameter and a result of every kind.
#ifndef ALL_H
#define ALL_H
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum Colour { RED, GREEN = 5, BLUE };
typedef enum { SMALL = -1, LARGE = 1 } Size;
typedef struct Thing { int n; } Thing;

static inline enum Colour next_colour(enum Colour c) { return c == RED ? GREEN : BLUE; }
static inline Size grow(Size *s) { return *s = LARGE; }
static inline bool not(bool b, bool *same) { *same = b; return !b; }
static inline void cross(const double a[3], const double b[3], double c[3]) {
  for (int i = 0; i < 3; i++) c[i] = a[(i + 1) % 3] * b[(i + 2) % 3] - a[(i + 2) % 3] * b[(i + 1) % 3];
}
static inline void rotate(int16_t v[4]) { int16_t x = v[0]; memmove(v, v + 1, 6); v[3] = x; }
static inline void digest(const void *data, size_t n, uint8_t out[4]) {
  memset(out, 0, 4);
  for (size_t i = 0; i < n; i++) out[i % 4] ^= ((const uint8_t *)data)[i];
}
static inline void name_of(int n, char name[8]) { strcpy(name, n ? "one" : ""); }
static inline char *twice(const char *s) {
  char *r = malloc(2 * strlen(s) + 1);
  return strcat(strcpy(r, s), s);
}
static inline const char *word(int n) { return n ? "word" : NULL; }
static inline int sum_of(int (*f)(int, const char *, bool, double, void *), void *data, int n) {
  int s = 0;
  for (int i = 1; i <= n; i++) s += f(i, "text", i % 2, i / 2.0, data);
  return s;
}
static inline void each(int n, void (*f)(void *, int), void *data) { while (n-- > 0) f(data, n); }
static inline Thing *thing(int n) { Thing *t = n < 0 ? NULL : malloc(sizeof *t); if (t) t->n = n; return t; }
static inline int thing_n(const Thing *t) { return t->n; }
static inline int add(int a, int b) { return a + b; }
static inline double mean(const float *data, size_t n) { double s = 0; for (size_t i = 0; i < n; i++) s += data[i]; return s / n; }
#endif
