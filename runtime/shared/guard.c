/* See guard.h. */
#include "runtime/shared/guard.h"

#include <assert.h>
#include <limits.h>

#include "runtime/os/futex.h"

enum { SPINS = 400 };

/* The half with the pid and the mark: both processors that we know are little-endian. */
static _Atomic uint32_t *low(Guard *g) { return (_Atomic uint32_t *)(void *)g; }

static void relax(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

static bool take(Guard *g, uint64_t mark) {
  uint64_t free = 0;
  return atomic_load_explicit(g, memory_order_relaxed) == 0 &&
         atomic_compare_exchange_strong_explicit(g, &free, shared_self() | mark, memory_order_acquire, memory_order_relaxed);
}

bool guard_try(Guard *g) {
  for (int i = 0; i < SPINS; i++) {
    if (take(g, 0)) return true;
    relax();
  }
  return false;
}

GuardResult guard_wait(Guard *g, int64_t deadline, const atomic_bool *stop) {
  bool looked = false;
  if (guard_try(g)) return GUARD_TAKEN;
  while (stop == NULL || !atomic_load(stop)) {
    if (take(g, SHARED_WAITED)) return GUARD_TAKEN;
    uint64_t seen = atomic_load_explicit(g, memory_order_relaxed), owner = seen & ~SHARED_WAITED;
    if (owner == 0) continue;
    if (looked && !shared_alive(owner)) {
      if (atomic_compare_exchange_strong_explicit(g, &seen, shared_self() | SHARED_WAITED, memory_order_acquire,
                                                  memory_order_relaxed))
        return GUARD_ABANDONED;
      continue;
    }
    if ((seen & SHARED_WAITED) == 0 &&
        !atomic_compare_exchange_strong_explicit(g, &seen, seen | SHARED_WAITED, memory_order_relaxed, memory_order_relaxed))
      continue;
    int64_t now = clock_ns(), until = now + GUARD_LOOK_NS;
    if (now >= deadline) return GUARD_BUSY;
    looked = !futex_wait_shared(low(g), (uint32_t)(owner | SHARED_WAITED), until < deadline ? until : deadline);
  }
  return GUARD_BUSY;
}

void guard_leave(Guard *g) {
  assert(guard_held(g));
  uint64_t seen = atomic_exchange_explicit(g, 0, memory_order_release);
  if ((seen & SHARED_WAITED) != 0) futex_wake_shared(low(g), 1);
}

void guard_poke(Guard *g) { futex_wake_shared(low(g), INT_MAX); }
