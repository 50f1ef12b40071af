/* The clock: deadlines in nanoseconds, accounting in ticks.
 *
 * Deadlines are absolute CLOCK_MONOTONIC nanoseconds (int64_t, CLOCK_NEVER for none). Durations exist only at the Lua
 * edge. Accounting of the lock uses ticks, because the lock is dropped and retaken in 5 ns and a system clock costs 25:
 * the processor's constant-rate counter where there is one, nanoseconds where there is not.
 */
#ifndef GILUA_RUNTIME_OS_CLOCK_H
#define GILUA_RUNTIME_OS_CLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#define CLOCK_NEVER INT64_MAX

/* How ticks relate to nanoseconds. Every field is constant after clock_init. */
typedef struct Clock {
  bool counter;       /* [i] ticks are the processor's counter, not nanoseconds */
  uint64_t tick_base; /* [i] both clocks, read together at init */
  int64_t ns_base;    /* [i] */
} Clock;

/* clock_init reads both clocks once; scales get more exact the longer ago that was. */
void clock_init(Clock *clock);

/* clock_ns is the monotonic time in nanoseconds. Safe in a signal handler. */
static inline int64_t clock_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* clock_ticks is the cheapest steady clock of the machine; only differences mean something. */
static inline uint64_t clock_ticks(const Clock *clock) {
#if defined(__x86_64__)
  if (clock->counter) return __builtin_ia32_rdtsc(); /* not x86intrin.h: 60 000 lines in nearly every file */
#elif defined(__aarch64__)
  if (clock->counter) {
    uint64_t t;
    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(t));
    return t;
  }
#endif
  (void)clock;
  return (uint64_t)clock_ns();
}

/* clock_ticks_per_ns measures the rate since clock_init: exact to 0.1 % some 100 us after it. */
double clock_ticks_per_ns(const Clock *clock);

/* clock_deadline turns a timeout in seconds (finite, not negative) into a deadline; one too far away is CLOCK_NEVER. */
int64_t clock_deadline(double seconds);

#endif
