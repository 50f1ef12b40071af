/* What a thread is told while it has not the lock: bits of GilThread.wake, the word it watches and then sleeps on. */
#include "runtime/gil/internal.h"
#include "runtime/os/futex.h"
#include "runtime/os/os.h"

enum { BRIEF_NS = 2000, SPIN_NS = 30000, SPIN_MISS = 3 };

void gil_tell(GilThread *t, uint32_t bit, GilAfter *after) {
  /* release: what was done for t before it is told */
  uint32_t old = atomic_fetch_or_explicit(&t->wake, bit, memory_order_release);
  if ((old & WAKE_ASLEEP) != 0) after->wake = &t->wake;
}

uint32_t gil_poke(GilThread *target) {
  /* what was done for target before; and its wake_fd, which it set before WAKE_POLLS. seq_cst: see blocking.c */
  uint32_t old = atomic_fetch_or(&target->wake, WAKE_POKE);
  if ((old & WAKE_ASLEEP) != 0) futex_wake(&target->wake, 1);
  if ((old & WAKE_POLLS) != 0) os_event_signal(atomic_load_explicit(&target->wake_fd, memory_order_relaxed));
  return old;
}

/* Watches the word for so many ticks; true if the thread was told something. */
static bool watch(const GilThread *self, uint64_t ticks) {
  const Clock *clock = &self->gil->clock;
  uint64_t start = clock_ticks(clock);
  do {
    for (int i = 0; i < 8; i++) os_pause();
    if (atomic_load_explicit(&self->wake, memory_order_relaxed) != 0) return true;
  } while (clock_ticks(clock) - start < ticks);
  return false;
}

void gil_spin(GilThread *self, int64_t deadline) {
  Gil *g = self->gil;
  if (g->cpus < 2 || (deadline != CLOCK_NEVER && deadline - clock_ns() < SPIN_NS)) return;
  if (self->spin < 0) {
    self->spin++;
    return;
  }
  atomic_store_explicit(&self->awake, true, memory_order_relaxed);
  /* the first moment is free for all: the one who hands over may still count as a spinner itself */
  bool told = watch(self, (uint64_t)(BRIEF_NS * g->ticks_per_ns));
  if (!told) {
    if (atomic_fetch_add_explicit(&g->spinners, 1, memory_order_relaxed) < g->cpus - 1)
      told = watch(self, (uint64_t)(SPIN_NS * g->ticks_per_ns));
    atomic_fetch_sub_explicit(&g->spinners, 1, memory_order_relaxed);
  }
  atomic_store_explicit(&self->awake, false, memory_order_relaxed);
  if (!told) self->spin -= SPIN_MISS;
  else if (self->spin < GIL_SPIN_BEST) self->spin++;
}
