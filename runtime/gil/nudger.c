/* Who asks the owner to leave, and when. "The timer of the ready queue."
 *
 * Invariant    somebody in line, or a request that the owner has not seen  =>  the nudger is timed.
 * Nobody but the nudger sleeps with the deadline of a turn: a thread in line has handed its wait over, a granter goes
 * on computing, and a lost signal has no other witness. Threads that are awake anyway may ask at once (gil_plan).
 *
 * States of the nudger       until                                  who changes it
 *   timed                    ticks at which it looks again          itself, or gil_plan to an earlier time, under Gil.m
 *   dormant                  CLOCK_NEVER: nothing has happened      itself, after IDLE_LOOKS empty looks
 *                            for a while; it costs nothing
 *
 * Back-off     an ask is an EINTR in somebody's system call. While the owner does not react, asks to it double their
 *              distance up to 200 ms; and they keep 20 times the cost of arming apart, which grows with stack depth.
 * Not promised an owner in a long C call does not react at all; the counters show it.
 */
#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "runtime/gil/internal.h"
#include "runtime/os/futex.h"
#include "runtime/os/os.h"

enum { IDLE_LOOKS = 8, LONGEST_PAUSE_NS = 200000000, ARM_SHARE = 20, NUDGER_STACK = 256 * 1024 };

typedef struct Nudger {
  _Atomic uint32_t alarm; /* [a] 1: look now */
  uint64_t until;         /* [m] */
  bool stop;              /* [m] */
  pthread_t thread;       /* [i] */
} Nudger;

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

/* Marks the owner; *to becomes the thread to signal, unless that is self, which arms its own hook. Returns whether it was sent
 * one before that its handler has not seen. */
static bool ask(Gil *g, const GilThread *self, uint64_t now, pid_t *to) {
  GilThread *owner = gil_owner(atomic_load_explicit(&g->word, memory_order_relaxed));
  bool someone = g->queued > 0 || g->coming != NULL;
  if (someone && g->policy->poll == 0)
    atomic_fetch_or_explicit(&owner->requests, REQUEST_SWITCH, memory_order_relaxed);
  uint64_t longest = max_u64((uint64_t)(LONGEST_PAUSE_NS * g->ticks_per_ns), g->interval);
  uint64_t pause = max_u64(2 * g->ask_pause, g->interval);
  g->asked_at = now;
  g->ask_pause = pause < longest ? pause : longest;
  if (owner == self || g->ask_signal == 0) return false;
  g->asks++;
  *to = owner->tid;
  return atomic_exchange_explicit(&owner->asked, true, memory_order_relaxed);
}

void gil_signal(GilThread *t) {
  const Gil *g = t->gil;
  if (g->ask_signal == 0) return;
  atomic_store_explicit(&t->asked, true, memory_order_relaxed);
  os_signal_thread(g->pid, atomic_load_explicit(&t->tid, memory_order_relaxed), g->ask_signal);
}

void gil_plan(Gil *g, const GilThread *self, uint64_t now, GilAfter *after) {
  GilThread *owner = gil_owner(atomic_load_explicit(&g->word, memory_order_relaxed));
  if (is_urgent(g) && owner != NULL && g->policy->poll == 0 && (owner == self || now >= may_ask_at(g, owner)))
    ask(g, self, now, &after->ask);
  Nudger *n = g->nudger;
  if (n == NULL) return;
  uint64_t need = next_ask(g, now);
  if (need >= n->until) return;
  n->until = need;
  after->nudge = true;
}

void gil_alarm(Gil *g) {
  Nudger *n = g->nudger;
  if (n == NULL) return;
  atomic_store_explicit(&n->alarm, 1, memory_order_release);
  futex_wake(&n->alarm, 1);
}

void gil_unlock(Gil *g, GilAfter after) {
  pthread_mutex_unlock(&g->m);
  if (after.wake != NULL) futex_wake(after.wake, 1);
  if (after.ask != 0) os_signal_thread(g->pid, after.ask, g->ask_signal);
  if (after.nudge) gil_alarm(g);
}

/* With m: looks once, asks if it is time, and returns until when to sleep, in ticks. */
static uint64_t look(Gil *g, int *idle, pid_t *to, bool *unheard) {
  uint64_t now = clock_ticks(&g->clock), need = next_ask(g, now);
  if (need <= now) {
    *unheard = ask(g, NULL, now, to);
    need = max_u64(next_ask(g, now), now + 1);
  }
  *idle = need == UINT64_MAX ? *idle + 1 : 0;
  if (need == UINT64_MAX && *idle < IDLE_LOOKS) need = now + g->interval;
  return need;
}

static int64_t deadline_of(const Gil *g, uint64_t until) {
  if (until == UINT64_MAX) return CLOCK_NEVER;
  uint64_t now = clock_ticks(&g->clock);
  return clock_ns() + (until > now ? (int64_t)((double)(until - now) / g->ticks_per_ns) : 0);
}

static void *nudger_main(void *arg) {
  Gil *g = arg;
  Nudger *n = g->nudger;
  int idle = 0;
  bool again = false;
  os_name_thread("gilua-nudger");
  os_sharp_timers();
  pthread_mutex_lock(&g->m);
  while (!n->stop) {
    pid_t to = 0;
    bool unheard = false;
    uint64_t until = n->until = look(g, &idle, &to, &unheard);
    int64_t deadline = deadline_of(g, until), soon = again ? clock_ns() + GIL_STIR_NS : CLOCK_NEVER;
    int sig = g->ask_signal;
    pthread_mutex_unlock(&g->m);
    if (unheard && g->unheard != NULL) g->unheard(g);
    if (to != 0) os_signal_thread(g->pid, to, sig);
    futex_wait(&n->alarm, 0, soon < deadline ? soon : deadline);
    /* acquire pairs with gil_alarm */
    atomic_exchange_explicit(&n->alarm, 0, memory_order_acquire);
    again = g->unblock != NULL && g->unblock(g);
    pthread_mutex_lock(&g->m);
  }
  pthread_mutex_unlock(&g->m);
  return NULL;
}

int gil_start_nudger(Gil *g) {
  if (g->nudger != NULL) return 0;
  Nudger *n = calloc(1, sizeof *n);
  if (n == NULL) return ENOMEM;
  pthread_attr_t attr;
  int err = pthread_attr_init(&attr);
  if (err != 0) goto fail;
  pthread_attr_setstacksize(&attr, NUDGER_STACK);
  sigset_t old;
  os_block_signals(0, &old);
  pthread_mutex_lock(&g->m);
  bool late = g->nudger != NULL; /* another thread was faster */
  if (!late) {
    g->nudger = n;
    err = pthread_create(&n->thread, &attr, nudger_main, g);
    if (err != 0) g->nudger = NULL;
  }
  pthread_mutex_unlock(&g->m);
  pthread_sigmask(SIG_SETMASK, &old, NULL);
  pthread_attr_destroy(&attr);
  if (err == 0 && !late) return 0;
fail:
  free(n);
  return err;
}

void gil_stop_nudger(Gil *g) {
  Nudger *n = g->nudger;
  if (n == NULL) return;
  pthread_mutex_lock(&g->m);
  n->stop = true;
  pthread_mutex_unlock(&g->m);
  gil_alarm(g);
  pthread_join(n->thread, NULL);
  g->nudger = NULL;
  free(n);
}

void gil_request(GilThread *self, GilThread *target, uint32_t bits) {
  assert(gil_held(self));
  /* seq_cst: pairs with the one who counts a native call and then looks for requests */
  atomic_fetch_or(&target->requests, bits);
  if (target == self) {
    if (self->gil->arm != NULL) self->gil->arm(self);
    return;
  }
  gil_poke(target);
  if (atomic_load(&self->gil->native_calls) != 0) gil_alarm(self->gil);
}

void gil_set_policy(Gil *g, const Policy *policy) {
  pthread_mutex_lock(&g->m);
  g->policy = policy;
  GilAfter after = {.nudge = true};
  gil_unlock(g, after);
}

void gil_set_interval(Gil *g, int64_t ns) {
  pthread_mutex_lock(&g->m);
  g->interval_ns = ns;
  g->interval = max_u64(1, (uint64_t)((double)ns * g->ticks_per_ns));
  GilAfter after = {.nudge = true};
  gil_unlock(g, after);
}
