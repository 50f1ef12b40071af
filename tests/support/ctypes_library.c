/* A C library for the tests of ctypes: every way of passing values, callbacks on other threads. */
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define EXPORT __attribute__((visibility("default")))
#define ECHO(T, name) \
  EXPORT T echo_##name(T x); \
  EXPORT T echo_##name(T x) { return x; }

ECHO(bool, bool)
ECHO(int8_t, i8)
ECHO(uint8_t, u8)
ECHO(int16_t, i16)
ECHO(uint16_t, u16)
ECHO(int32_t, i32)
ECHO(uint32_t, u32)
ECHO(int64_t, i64)
ECHO(uint64_t, u64)
ECHO(float, float)
ECHO(double, double)
ECHO(long double, long_double)
ECHO(char *, string)
ECHO(void *, pointer)

typedef struct Point {
  double x, y;
} Point;

typedef struct Mixed {
  char c;
  int32_t i;
  int16_t a[3];
  Point p;
  const char *name;
  struct Mixed *next;
} Mixed;

typedef struct Small {
  uint8_t r, g, b;
} Small;

ECHO(Point, point)
ECHO(Mixed, mixed)
ECHO(Small, small)

EXPORT size_t size_of_mixed(void);
EXPORT size_t size_of_mixed(void) { return sizeof(Mixed); }

EXPORT void scale(Point *p, int n, double by);
EXPORT void scale(Point *p, int n, double by) {
  for (int i = 0; i < n; i++) p[i].x *= by, p[i].y *= by;
}

EXPORT double sum10(int a, double b, int8_t c, float d, int64_t e, double f, uint8_t g, int h, double i, int64_t j);
EXPORT double sum10(int a, double b, int8_t c, float d, int64_t e, double f, uint8_t g, int h, double i, int64_t j) {
  return a + b + c + (double)d + (double)e + f + g + h + i + (double)j;
}

EXPORT double sum_doubles(const double *x, size_t n);
EXPORT double sum_doubles(const double *x, size_t n) {
  double s = 0;
  for (size_t i = 0; i < n; i++) s += x[i];
  return s;
}

EXPORT int64_t sum_variadic(int n, ...);
EXPORT int64_t sum_variadic(int n, ...) {
  va_list args;
  va_start(args, n);
  int64_t sum = 0;
  while (n-- > 0) sum += va_arg(args, int64_t);
  va_end(args);
  return sum;
}

EXPORT int set_errno(int value);
EXPORT int set_errno(int value) {
  int old = errno;
  errno = value;
  return old;
}

EXPORT int counter;
int counter = 7;
EXPORT const char *greeting;
const char *greeting = "hello";

EXPORT int call_n(int (*f)(int), int n);
EXPORT int call_n(int (*f)(int), int n) {
  int sum = 0;
  for (int i = 1; i <= n; i++) sum += f(i);
  return sum;
}

EXPORT Point call_point(Point (*f)(Point, const char *), Point p);
EXPORT Point call_point(Point (*f)(Point, const char *), Point p) { return f(p, "point"); }

typedef struct Big {
  double x[4];
  int64_t n;
} Big;

EXPORT int64_t last_big;
int64_t last_big = 0;
EXPORT int64_t call_big(Big (*f)(Big));
EXPORT int64_t call_big(Big (*f)(Big)) {
  Big b = f((Big){{1, 2, 3, 4}, 40});
  last_big = (int64_t)(b.x[0] + b.x[1] + b.x[2] + b.x[3]) + b.n;
  return last_big;
}

EXPORT double call_double(double (*f)(float, int8_t, void *), float a, int8_t b);
EXPORT double call_double(double (*f)(float, int8_t, void *), float a, int8_t b) { return f(a, b, NULL); }

typedef struct Job {
  int (*f)(int);
  int n, sum;
} Job;

static void *run(void *arg) {
  Job *job = arg;
  job->sum = call_n(job->f, job->n);
  return NULL;
}

static void *run_later(void *arg) {
  nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
  ((void (*)(void))arg)();
  return NULL;
}

/* Calls f on a thread of this library, in a while. */
EXPORT int call_later(void (*f)(void));
EXPORT int call_later(void (*f)(void)) {
  pthread_t thread;
  if (pthread_create(&thread, NULL, run_later, (void *)f) != 0) return -1;
  return pthread_detach(thread);
}

/* Calls f on a thread of this library; waits for it. */
EXPORT int call_n_in_thread(int (*f)(int), int n);
EXPORT int call_n_in_thread(int (*f)(int), int n) {
  Job job = {f, n, 0};
  pthread_t thread;
  if (pthread_create(&thread, NULL, run, &job) != 0) return -1;
  pthread_join(thread, NULL);
  return job.sum;
}
