/* A lock from its beginning to its end: made, set, closed, forked. How it changes hands: lock.c. */
#include "runtime/gil/gil.h"

#include <assert.h>
#include <stdlib.h>
#include <unistd.h>

#include "runtime/gil/internal.h"
#include "runtime/gil/schedule.h"
#include "runtime/os/futex.h"
#include "runtime/os/os.h"

int gil_init(Gil *g) {
  *g = (Gil){.policy = &policy_fair, .pid = getpid(), .cpus = os_cpus(), .late_after = UINT64_MAX};
  clock_init(&g->clock);
  g->ticks_per_ns = clock_ticks_per_ns(&g->clock);
  g->interval_ns = 5000000;
  g->interval = (uint64_t)((double)g->interval_ns * g->ticks_per_ns);
  pthread_mutexattr_t attr;
  int err = pthread_mutexattr_init(&attr);
  if (err != 0) return err;
  /* held for a hundred instructions: spinning beats a sleep, which costs an idle core's wake-up */
  pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ADAPTIVE_NP);
  err = pthread_mutex_init(&g->m, &attr);
  pthread_mutexattr_destroy(&attr);
  return err;
}

void gil_fini(Gil *g) {
  gil_stop_nudger(g);
  pthread_mutex_destroy(&g->m);
}

void gil_thread_init(GilThread *t, Gil *g, const GilThread *parent) {
  *t = (GilThread){.gil = g, .spin = GIL_SPIN_BEST, .wake_fd = -1};
  if (parent == NULL) return;
  pthread_mutex_lock(&g->m);
  t->handicap = (int64_t)gil_held_ticks(parent, clock_ticks(&g->clock)) + parent->handicap;
  pthread_mutex_unlock(&g->m);
}

void gil_thread_fini(GilThread *t) {
  int fd = atomic_exchange_explicit(&t->wake_fd, -1, memory_order_relaxed); /* nobody else looks any more */
  if (fd >= 0) close(fd);
}

void gil_request(GilThread *self, GilThread *target, uint32_t bits) {
  assert(gil_held(self));
  /* seq_cst: pairs with the one who counts a native call and then looks for requests */
  atomic_fetch_or(&target->requests, bits);
  if (target == self) {
    if (self->gil->arm != NULL) self->gil->arm(self);
    return;
  }
  if (self->gil->schedule != NULL && schedule_hears(self->gil, target, bits)) gil_ready(self, target, false);
  bool calls = (gil_poke(target) & WAKE_CALLS) != 0;
  if (calls || atomic_load(&self->gil->native_calls) != 0) gil_alarm_calls(self->gil);
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
  uint64_t ticks = (uint64_t)((double)ns * g->ticks_per_ns);
  g->interval = ticks > 0 ? ticks : 1;
  GilAfter after = {.nudge = true};
  gil_unlock(g, after);
}

void gil_set_schedule(GilThread *self, Schedule *schedule) {
  Gil *g = self->gil;
  assert(gil_held(self));
  pthread_mutex_lock(&g->m);
  g->policy = &policy_seeded;
  g->schedule = schedule;
  g->cpus = 1; /* a thread that spins could only be woken sooner than the one that runs can go on */
  gil_own(g, self);
  pthread_mutex_unlock(&g->m);
}

uint64_t gil_asks(Gil *g) {
  pthread_mutex_lock(&g->m);
  uint64_t asks = g->asks;
  pthread_mutex_unlock(&g->m);
  return asks;
}

/* With m: a thread from outside need not wait for a lock that nobody will drop. */
static void let_go(GilThread *t) {
  GilAfter after = {0};
  if (!t->gives_up && t->shut_out == NULL) return;
  gil_tell(t, WAKE_CLOSED, &after);
  if (after.wake != NULL) futex_wake(after.wake, 1); /* with m, or t might be gone; it takes m on no path from here */
}

/* With m. */
static void close_line(Gil *g) {
  g->closed = true;
  for (GilThread *t = g->ready.head, *next; t != NULL; t = next) {
    next = t->next; /* who is told may be gone */
    let_go(t);
  }
  if (g->coming != NULL) let_go(g->coming);
  g->ready = (GilQueue){0};
  g->queued = 0;
  g->coming = NULL;
}

bool gil_abandon(Gil *g, GilThread *self) {
  pthread_mutex_lock(&g->m);
  /* as in lock.c, take_or_queue: from here on the word changes under m only */
  GilThread *owner = gil_owner(atomic_fetch_or_explicit(&g->word, GIL_READY, memory_order_acq_rel));
  bool mine = owner == self;
  if (mine) {
    gil_own(g, self);
  } else {
    close_line(g);
    let_go(self);
    if (owner == NULL) atomic_store_explicit(&g->word, GIL_CLOSED, memory_order_relaxed);
  }
  pthread_mutex_unlock(&g->m);
  return !mine;
}

void gil_close(GilThread *self) {
  Gil *g = self->gil;
  assert(gil_held(self));
  pthread_mutex_lock(&g->m);
  close_line(g);
  atomic_store_explicit(&g->word, GIL_CLOSED, memory_order_relaxed);
  pthread_mutex_unlock(&g->m);
}

void gil_before_fork(Gil *g) { pthread_mutex_lock(&g->m); }

void gil_after_fork_parent(Gil *g) { pthread_mutex_unlock(&g->m); }

void gil_after_fork_child(Gil *g, GilThread *self) {
  struct Nudger *nudger = g->nudger; /* its thread did not come along */
  g->ready = (GilQueue){0};
  g->queued = 0;
  g->coming = NULL;
  g->pid = getpid();
  g->nudger = NULL;
  g->watcher = NULL; /* the recording is the parent's */
  g->schedule = NULL; /* and so is the run */
  g->closed = g->lost = self == NULL;
  atomic_store_explicit(&g->spinners, 0, memory_order_relaxed);
  atomic_store_explicit(&g->word, self != NULL ? (uintptr_t)self : GIL_CLOSED, memory_order_relaxed);
  if (self != NULL) {
    self->tid = os_tid();
    gil_thread_fini(self); /* the parent's thread sleeps on the same eventfd */
    self->wake_fd = -1;
  }
  pthread_mutex_unlock(&g->m);
  free(nudger);
}
