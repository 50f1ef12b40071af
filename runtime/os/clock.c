/* Which counter ticks are read from, and their rate. Not here: who waits for a deadline (futex.h, park.h). */
#include "runtime/os/clock.h"

#if defined(__x86_64__)
#include <cpuid.h>

/* The time-stamp counter may be used only where it runs at one rate in every power state ("invariant"). */
static bool counter_is_steady(void) {
  unsigned a, b, c, d;
  return __get_cpuid(0x80000007, &a, &b, &c, &d) != 0 && (d & (1u << 8)) != 0;
}
#elif defined(__aarch64__)
static bool counter_is_steady(void) { return true; }
#else
static bool counter_is_steady(void) { return false; }
#endif

void clock_init(Clock *clock) {
  clock->counter = counter_is_steady();
  clock->ns_base = clock_ns();
  clock->tick_base = clock_ticks(clock);
}

double clock_ticks_per_ns(const Clock *clock) {
  if (!clock->counter) return 1.0;
  int64_t ns;
  do ns = clock_ns() - clock->ns_base; while (ns < 20000); /* once in a runtime's life, in its first 20 us */
  return (double)(clock_ticks(clock) - clock->tick_base) / (double)ns;
}

int64_t clock_deadline(double seconds) {
  int64_t now = clock_ns();
  double ns = seconds * 1e9;
  if (ns >= (double)(CLOCK_NEVER - now)) return CLOCK_NEVER;
  return now + (int64_t)ns;
}
