/* Seeds, time, outcomes of stress programs. */
#include "tests/support/stress.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static uint64_t seed;     /* written before the threads start */
static double end_seconds; /* the same */

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

void stress_begin(int argc, char **argv, double default_seconds) {
  double seconds = argc > 1 ? strtod(argv[1], NULL) : default_seconds;
  const char *given = argc > 2 ? argv[2] : getenv("TEST_RANDOM_SEED");
  seed = given != NULL ? strtoull(given, NULL, 0) : 1;
  printf("# %g seconds, seed %llu\n", seconds, (unsigned long long)seed);
  fflush(stdout);
  end_seconds = now() + seconds;
}

bool stress_over(void) { return now() >= end_seconds; }

uint64_t stress_seed(int n) { return (seed + (uint64_t)n * 0x9E3779B97F4A7C15u) | 1; }

/* xorshift64* */
uint32_t stress_random(uint64_t *stream, uint32_t limit) {
  uint64_t x = *stream;
  x ^= x >> 12;
  x ^= x << 25;
  x ^= x >> 27;
  *stream = x;
  return (uint32_t)((x * 0x2545F4914F6CDD1Du) >> 33) % limit;
}

void stress_fail(const char *file, int line, const char *what) {
  printf("not ok - %s:%d: %s\n", file, line, what);
  fflush(stdout);
  abort();
}

int stress_end(const char *name) {
  printf("ok - %s\n", name);
  return 0;
}
