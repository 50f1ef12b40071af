/* futex(2), which glibc does not wrap. */
#include "runtime/os/futex.h"

#include <errno.h>
#include <linux/futex.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runtime/os/clock.h"

static bool wait_on(_Atomic uint32_t *word, uint32_t value, int64_t deadline, int flags) {
  int saved = errno;
  struct timespec at, *until = NULL;
  if (deadline != CLOCK_NEVER) {
    if (deadline < 0) deadline = 0;
    at.tv_sec = (time_t)(deadline / 1000000000);
    at.tv_nsec = (long)(deadline % 1000000000);
    until = &at;
  }
  /* the bitset form is the one that takes an absolute deadline */
  long r = syscall(SYS_futex, word, FUTEX_WAIT_BITSET | flags, value, until, NULL, FUTEX_BITSET_MATCH_ANY);
  bool in_time = r == 0 || errno != ETIMEDOUT;
  errno = saved;
  return in_time;
}

static void wake_on(_Atomic uint32_t *word, int n, int flags) {
  int saved = errno;
  syscall(SYS_futex, word, FUTEX_WAKE | flags, n, NULL, NULL, 0);
  errno = saved;
}

bool futex_wait(_Atomic uint32_t *word, uint32_t value, int64_t deadline) {
  return wait_on(word, value, deadline, FUTEX_PRIVATE_FLAG);
}

void futex_wake(_Atomic uint32_t *word, int n) { wake_on(word, n, FUTEX_PRIVATE_FLAG); }

bool futex_wait_shared(_Atomic uint32_t *word, uint32_t value, int64_t deadline) {
  return wait_on(word, value, deadline, 0);
}

void futex_wake_shared(_Atomic uint32_t *word, int n) { wake_on(word, n, 0); }
