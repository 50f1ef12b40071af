/* Who is asked to leave the lock, and when: the rules, and the means. Not here: the thread that keeps the time (nudger.c).
 *
 * Back-off     an ask is an EINTR in somebody's system call. While the owner does not react, asks to it double their
 *              distance up to 200 ms; and they keep 20 times the cost of arming apart, which grows with stack depth.
 * Not promised an owner in a long C call does not react at all; the counters show it.
 */
#include "runtime/gil/internal.h"
#include "runtime/os/futex.h"
#include "runtime/os/os.h"

enum { LONGEST_PAUSE_NS = 200000000, ARM_SHARE = 20 };

static uint64_t max_u64(uint64_t a, uint64_t b) { return a > b ? a : b; }

/* The earliest ticks at which the owner may be asked again. */
static uint64_t may_ask_at(const Gil *g, const GilThread *owner) {
  return g->asked_at + max_u64(g->ask_pause, ARM_SHARE * gil_peek(&owner->arm_cost));
}

/* The first in line was urgent when it came, and the owner is still the one of that moment. */
static bool is_urgent(const Gil *g) {
  return g->ready.head != NULL && g->ready.head->urgent_in == gil_peek(&g->turn_since);
}

void gil_reacted(Gil *g) { g->ask_pause = 0; }

/* When the owner is to be asked next, in ticks, if all stays as it is; UINT64_MAX: never. */
static uint64_t next_ask(const Gil *g, uint64_t now) {
  GilThread *owner = gil_owner(atomic_load_explicit(&g->word, memory_order_relaxed));
  if (owner == NULL || g->closed) return g->coming != NULL ? now + g->interval : UINT64_MAX;
  uint64_t earliest = may_ask_at(g, owner);
  if (atomic_load_explicit(&owner->requests, memory_order_relaxed) != 0) return earliest;
  if (g->policy->poll != 0) return UINT64_MAX;
  const GilThread *first = g->coming != NULL ? g->coming : g->ready.head;
  if (first == NULL) return UINT64_MAX;
  if (is_urgent(g)) return earliest;
  uint64_t since = gil_peek(&g->turn_since);
  if (g->policy->patient) since = max_u64(since, first->ready_since);
  return max_u64(since + g->interval, earliest);
}

/* Marks the owner; *to becomes the thread to signal, unless that is self, which arms its own hook. Returns whether it was
 * sent one before that its handler has not seen. */
static bool ask(Gil *g, const GilThread *self, uint64_t now, pid_t *to) {
  GilThread *owner = gil_owner(atomic_load_explicit(&g->word, memory_order_relaxed));
  bool someone = g->queued > 0 || g->coming != NULL;
  if (someone && g->policy->poll == 0)
    atomic_fetch_or_explicit(&owner->requests, REQUEST_SWITCH, memory_order_relaxed);
  uint64_t longest = max_u64((uint64_t)(LONGEST_PAUSE_NS * g->ticks_per_ns), g->interval);
  uint64_t pause = max_u64(2 * g->ask_pause, g->interval);
  g->asked_at = now;
  g->ask_pause = pause < longest ? pause : longest;
  if (owner == self || gil_ask_signal(g) == 0) return false;
  g->asks++;
  *to = owner->tid;
  return atomic_exchange_explicit(&owner->asked, true, memory_order_relaxed);
}

void gil_signal(GilThread *t) {
  const Gil *g = t->gil;
  int sig = gil_ask_signal(g);
  if (sig == 0) return;
  atomic_store_explicit(&t->asked, true, memory_order_relaxed);
  os_signal_thread(g->pid, atomic_load_explicit(&t->tid, memory_order_relaxed), sig);
}

void gil_plan(Gil *g, const GilThread *self, uint64_t now, GilAfter *after) {
  GilThread *owner = gil_owner(atomic_load_explicit(&g->word, memory_order_relaxed));
  if (is_urgent(g) && owner != NULL && g->policy->poll == 0 && (owner == self || now >= may_ask_at(g, owner)))
    ask(g, self, now, &after->ask);
  if (g->nudger == NULL) return;
  uint64_t need = next_ask(g, now);
  if (need >= g->nudge_at) return;
  g->nudge_at = need;
  after->nudge = true;
}

void gil_alarm(Gil *g) {
  if (g->nudger == NULL) return;
  atomic_store_explicit(&g->alarm, 1, memory_order_release);
  futex_wake(&g->alarm, 1);
}

void gil_alarm_calls(Gil *g) {
  atomic_store(&g->calls_asked, true);
  gil_alarm(g);
}

void gil_unlock(Gil *g, GilAfter after) {
  pthread_mutex_unlock(&g->m);
  if (after.wake != NULL) futex_wake(after.wake, 1);
  if (after.ask != 0) os_signal_thread(g->pid, after.ask, gil_ask_signal(g));
  if (after.nudge) gil_alarm(g);
}

uint64_t gil_look(Gil *g, uint64_t now, pid_t *to, bool *unheard) {
  uint64_t need = next_ask(g, now);
  if (need > now) return need;
  *unheard = ask(g, NULL, now, to);
  return max_u64(next_ask(g, now), now + 1);
}
