/* The lock itself: taking, dropping, handing over, sleeping. Not here: when the owner is asked to leave (ask.c), who
 * deserves what (policy*.c), how a lock is made and closed (gil.c).
 *
 * Arrows       gil.c -> lock.c, nudger.c, policy*.c    lock.c -> ask.c, wake.c, policy.c, schedule.c    nudger.c -> ask.c
 *
 * States of Gil.word
 *   0               FREE     nobody owns it, nobody is ready
 *   t               HELD     t owns it, nobody is ready
 *   t | GIL_READY   WANTED   t owns it, others are queued or one is coming
 *   GIL_READY       OFFERED  nobody owns it; g->coming was woken to take it
 *
 * Transitions                    who                        where
 *   FREE    -> HELD              any thread, no mutex       gil_take_if_free
 *   HELD    -> FREE              the owner, no mutex        drop_fast
 *   HELD    -> WANTED            a thread in line, with m   take_slow; the owner for another, with m: gil_ready
 *   WANTED  -> HELD/WANTED of t  the owner, with m          give: gil_park, gil_yield, gil_exit, gil_leave
 *   WANTED  -> OFFERED           the owner, with m          offer: gil_leave, gil_idle
 *   OFFERED -> HELD/WANTED       g->coming, or a thread that may pass it, with m: come, take_slow
 *   any     -> HELD of nobody    the owner                  gil_close: no thread has the address 2
 *   HELD    -> WANTED            any thread, with m         gil_abandon: nobody may be in line, g->closed
 *   WANTED  -> HELD of nobody    the owner, with m, closed  lost: gil_leave, gil_park, gil_yield, gil_exit
 *   any     -> HELD or closed    the only thread of a child gil_after_fork_child
 *
 * Whoever sets GIL_READY has shut out the two transitions without mutex, so that with m held and GIL_READY set the word
 * changes by one's own hand only. OFFERED means that g->coming is not NULL, so that nobody waits for a lock that nobody
 * brings: the woken thread takes itself out (g->coming = NULL) under m before it looks at the word.
 *
 * Ordering     FREE -> HELD acquires what HELD -> FREE released. A given lock is published by m and by WAKE_OWNER
 *              (release) to the sleeper (acquire). requests is relaxed: it guards no data, and whoever sets it also
 *              signals or wakes, or holds the lock that the reader takes next.
 * Lock order   m is a leaf: no other lock, no malloc, no Lua and no callback but the policy's under it.
 * Fairness     a turn is what a thread gets between taking the lock from another thread and losing it to another one.
 * Schedule     with one (schedule.h) GIL_READY is always set, nobody is ever coming, and a lock that nobody owns or waits for
 *              is OFFERED to whoever comes. Who is next is chosen as the lock is left, among those in line.
 * Fork         m is in the fork table (at_fork.c); the child throws the queue away, its threads are gone.
 * Not promised an order among threads that take the free lock without waiting.
 */
#include "runtime/gil/gil.h"

#include <assert.h>
#include <errno.h>
#include <unistd.h>

#include "runtime/gil/internal.h"
#include "runtime/gil/schedule.h"
#include "runtime/os/futex.h"
#include "runtime/os/os.h"
#include "runtime/os/signals.h"

enum { LONG_HOLD_NS = 100000 };

/* The checker of the block above; call it with m held. */
static __attribute__((unused)) bool gil_sane(const Gil *g) {
  uintptr_t w = atomic_load_explicit(&g->word, memory_order_relaxed);
  bool someone = g->queued > 0 || g->coming != NULL;
  if (g->closed) return true;
  if (g->schedule != NULL) return (w & GIL_READY) != 0 && g->coming == NULL && (g->ready.head != NULL) == (g->queued > 0);
  if (((w & GIL_READY) != 0) != someone) return false;
  if (w == GIL_READY && g->coming == NULL) return false;
  if ((g->ready.head != NULL) != (g->queued > 0)) return false;
  return g->coming == NULL || g->coming->place == GIL_COMING;
}

static void begin_hold(GilThread *self, uint64_t ready, uint64_t now) {
  Gil *g = self->gil;
  gil_note(&self->hold_since, now);
  self->acquisitions++;
  if (g->last != self) {
    g->last = self;
    gil_note(&g->turn_since, now);
    g->switches++;
  }
  if (__builtin_expect(g->watcher != NULL, 0)) g->watcher->began(self, ready, now);
}

static void end_hold(GilThread *self, uint64_t now, GilHow how) {
  Gil *g = self->gil;
  uint64_t lasted = now - gil_peek(&self->hold_since);
  gil_note(&self->held, gil_peek(&self->held) + lasted);
  if (__builtin_expect(g->watcher != NULL, 0)) g->watcher->ended(self, now, how);
  if (lasted <= self->longest) return;
  self->longest = lasted;
  if (g->longest != NULL && (double)lasted > LONG_HOLD_NS * g->ticks_per_ns) g->longest(self);
}

/* HELD -> FREE; false if others are ready. */
static bool drop_fast(GilThread *self) {
  uintptr_t word = (uintptr_t)self;
  /* release pairs with the acquire in gil_take */
  return atomic_compare_exchange_strong_explicit(&self->gil->word, &word, 0, memory_order_release,
                                                 memory_order_relaxed);
}

/* With m and GIL_READY set: who runs next, taken out of line. */
static GilThread *pick(Gil *g, uint64_t now) {
  GilThread *t = g->coming;
  if (t != NULL) {
    g->coming = NULL;
  } else {
    t = policy_next(g, now);
    gil_queue_remove(&g->ready, t);
    g->queued--;
  }
  t->place = GIL_OUT;
  return t;
}

static void enqueue(Gil *g, GilThread *t, uint64_t now, ReadyWhy why, bool urgent);

/* pick with a schedule: NULL if nobody can run now. */
static GilThread *pick_scheduled(Gil *g, GilThread *self, uint64_t now, GilHow how) {
  for (GilThread *t; (t = schedule_due(g)) != NULL;) enqueue(g, t, now, READY_BACK, false);
  GilThread *t = schedule_choose(g, self, how);
  if (t == NULL) return NULL;
  gil_queue_remove(&g->ready, t);
  g->queued--;
  t->place = GIL_OUT;
  return t;
}

/* With m and GIL_READY set: how long the next in line has waited in this hold of self. */
static void notice_late(Gil *g, GilThread *self, uint64_t now) {
  GilThread *next = g->coming != NULL ? g->coming : g->ready.head;
  uint64_t since = gil_peek(&self->hold_since);
  if (next == NULL) return; /* a schedule */
  if (next->ready_since > since) since = next->ready_since;
  if (now > since && now - since > g->late_after) /* it may have come after self looked at the clock */
    g->late(self, next, now - since);
}

/* With m, as owner, which leaves the lock or stops: an ask is answered. */
static void answer(Gil *g, GilThread *self, uint64_t now) {
  if (__builtin_expect(g->late_after != UINT64_MAX, 0)) notice_late(g, self, now);
  atomic_fetch_and_explicit(&self->requests, ~(uint32_t)REQUEST_SWITCH, memory_order_relaxed);
  gil_reacted(g);
}

/* With m, as owner: WANTED -> HELD of t. */
static void give(Gil *g, GilThread *t, uint64_t now, GilAfter *after) {
  if (now > t->ready_since) t->waited += now - t->ready_since; /* it may have come after self looked at the clock */
  gil_own(g, t);
  begin_hold(t, t->ready_since, now);
  gil_tell(t, WAKE_OWNER, after);
}

/* With m, as owner that leaves it: give to the next one. */
static void pass_on(Gil *g, GilThread *self, uint64_t now, GilHow how, GilAfter *after) {
  if (g->schedule == NULL) {
    give(g, pick(g, now), now, after);
    return;
  }
  GilThread *next = pick_scheduled(g, self, now, how);
  if (next != NULL) {
    give(g, next, now, after);
    return;
  }
  atomic_store_explicit(&g->word, GIL_READY, memory_order_release);
  GilThread *first = schedule_sleeper(g);
  if (first != NULL) gil_tell(first, WAKE_ALARM, after);
}

/* With m, as owner: WANTED -> OFFERED, with at most one wake-up in flight. */
static void offer(Gil *g, uint64_t now, GilAfter *after) {
  if (g->coming == NULL) {
    g->coming = pick(g, now);
    g->coming->place = GIL_COMING;
    gil_tell(g->coming, WAKE_COME, after);
  }
  atomic_store_explicit(&g->word, GIL_READY, memory_order_release);
}

/* With m: puts t in line. An urgent thread goes first and is asked for, unless that would pass one who has waited for
 * an interval: two threads that hand a lock to and fro must not starve a third. */
static void enqueue(Gil *g, GilThread *t, uint64_t now, ReadyWhy why, bool urgent) {
  assert(t->place == GIL_OUT);
  const GilThread *first = g->ready.head;
  t->place = GIL_QUEUED;
  t->ready_since = now;
  t->urgent_in = 0;
  g->queued++;
  if (g->schedule != NULL) schedule_ready(g, t);
  if (urgent && g->schedule == NULL && (first == NULL || now - first->ready_since < g->interval)) {
    t->key = first != NULL ? first->key : INT64_MIN;
    t->urgent_in = gil_peek(&g->turn_since);
    gil_queue_insert(&g->ready, NULL, t);
  } else {
    g->policy->ready(g, t, now, why);
  }
}

/* With m, self's own since now: is who stands in line let in at once? */
static void judge(Gil *g, const GilThread *self, uint64_t now, GilAfter *after) {
  if (g->ready.head == NULL || g->policy->judge == NULL) return;
  g->policy->judge(g, g->ready.head, now);
  gil_plan(g, self, now, after);
}

/* self will never get the lock again. */
static _Noreturn void stop_for_ever(GilThread *self) {
  if (self->shut_out != NULL) self->shut_out(self);
  for (;;) pause();
}

/* With m, as owner that leaves: was the lock closed meanwhile? Then nobody is next. */
static bool lost(Gil *g) {
  if (g->closed) atomic_store_explicit(&g->word, GIL_CLOSED, memory_order_relaxed);
  return g->closed;
}

/* The owner did not come along into this child: it will never drop the lock, and nobody else would end the process. */
static _Noreturn void leave_child(void) {
  static const char text[] = "gilua: this process was forked in native work while another thread ran Lua; it cannot go on\n";
  if (write(STDERR_FILENO, text, sizeof text - 1) < 0) errno = 0; /* there is nobody to tell that */
  _exit(70);
}

/* With m, the lock free: may self, awake, take it before those in line? */
static bool is_next(Gil *g, GilThread *self, uint64_t now) {
  if (g->queued == 0 && g->coming == NULL) return true;
  if (g->policy->straight_back(g, self, now)) return true;
  return g->coming != NULL && policy_may_pass(g, g->coming, now); /* it has been told, and is not there yet */
}

/* With m, self not in line: takes the lock if it is free for self, else queues. Returns whether it was taken. */
static bool take_or_queue(Gil *g, GilThread *self, uint64_t now) {
  /* acq_rel: acquires what a drop without mutex released; from here on the word changes under m only */
  uintptr_t w = atomic_fetch_or_explicit(&g->word, GIL_READY, memory_order_acq_rel);
  if (gil_owner(w) == NULL && is_next(g, self, now)) {
    gil_own(g, self);
    begin_hold(self, now, now);
    return true;
  }
  enqueue(g, self, now, READY_BACK, false);
  return false;
}

static bool sleep_for_lock(GilThread *self, int64_t deadline, uint32_t wanted, bool spin);

/* Returns false if the lock is closed and self gives up. */
static bool take_slow(Gil *g, GilThread *self) {
  int saved = errno;
  GilAfter after = {0};
  bool mine = false;
  pthread_mutex_lock(&g->m);
  if (g->closed) {
    pthread_mutex_unlock(&g->m);
    if (self->gives_up) return false;
    if (g->lost) leave_child();
    stop_for_ever(self);
  }
  if (g->schedule != NULL) schedule_back(g, self);
  /* it may be in line already, or even the owner: readied while its deadline passed */
  bool given = gil_owner(atomic_load_explicit(&g->word, memory_order_relaxed)) == self;
  if (!given && self->place == GIL_OUT) {
    uint64_t now = clock_ticks(&g->clock);
    mine = take_or_queue(g, self, now);
    if (!mine) gil_plan(g, self, now, &after);
  }
  assert(gil_sane(g));
  gil_unlock(g, after);
  if (!mine) mine = sleep_for_lock(self, CLOCK_NEVER, 0, true);
  errno = saved;
  return mine;
}

static void arm_if_requested(GilThread *self) {
  if (atomic_load_explicit(&self->requests, memory_order_relaxed) != 0 && self->gil->arm != NULL) self->gil->arm(self);
}

bool gil_take_if_free(GilThread *self) {
  uintptr_t free_word = 0;
  /* acquire pairs with the release of drop_fast and own */
  if (!atomic_compare_exchange_strong_explicit(&self->gil->word, &free_word, (uintptr_t)self, memory_order_acquire,
                                               memory_order_relaxed))
    return false;
  uint64_t now = clock_ticks(&self->gil->clock);
  begin_hold(self, now, now);
  return true;
}

static bool take(GilThread *self) {
  if (!gil_take_if_free(self) && !take_slow(self->gil, self)) {
    if (!self->gives_up) stop_for_ever(self);
    return false;
  }
  arm_if_requested(self);
  return true;
}

void gil_take(GilThread *self) {
  assert(!gil_held(self) || self->gil->schedule != NULL); /* with one, a new thread may own it before it asks */
  take(self);
}

bool gil_take_open(GilThread *self) {
  assert(!gil_held(self));
  self->gives_up = true; /* gil_close reads it once self is in the queue, which it enters under m */
  bool taken = take(self);
  self->gives_up = false;
  return taken;
}

/* Drops the lock; whoever is awake first may have it while self's turn lasts, else the next in line gets it. */
static void leave(GilThread *self, GilHow how) {
  Gil *g = self->gil;
  assert(gil_held(self));
  uint64_t now = clock_ticks(&g->clock);
  end_hold(self, now, how);
  if (drop_fast(self)) return;
  GilAfter after = {0};
  pthread_mutex_lock(&g->m);
  if (!lost(g)) {
    answer(g, self, now);
    if (g->schedule != NULL) schedule_out(g, self);
    if (g->schedule == NULL && g->policy->straight_back(g, self, now)) offer(g, now, &after);
    else pass_on(g, self, now, how, &after);
  }
  assert(gil_sane(g));
  gil_unlock(g, after);
}

void gil_leave(GilThread *self) { leave(self, GIL_LEFT); }

void gil_idle(GilThread *self) { leave(self, GIL_PARKED); }

/* Drops the lock and gives it to the next in line, if there is one. */
static void hand_over(GilThread *self, bool parks) {
  Gil *g = self->gil;
  uint64_t now = clock_ticks(&g->clock);
  end_hold(self, now, GIL_PARKED);
  if (drop_fast(self)) return;
  GilAfter after = {0};
  pthread_mutex_lock(&g->m);
  if (!lost(g)) {
    answer(g, self, now);
    if (parks && g->schedule != NULL) schedule_park(g, self);
    pass_on(g, self, now, GIL_PARKED, &after);
  }
  assert(gil_sane(g));
  gil_unlock(g, after);
}

void gil_park(GilThread *self) {
  assert(gil_held(self) && self->place == GIL_OUT);
  hand_over(self, true);
}

void gil_exit(GilThread *self) {
  Gil *g = self->gil;
  assert(gil_held(self));
  hand_over(self, false);
  gil_pass(g); /* the nudger may look at an owner that drops without mutex */
}

void gil_pass(Gil *g) {
  pthread_mutex_lock(&g->m);
  pthread_mutex_unlock(&g->m);
}

void gil_ready(GilThread *self, GilThread *target, bool urgent) {
  Gil *g = self->gil;
  assert(gil_held(self) && self != target);
  GilAfter after = {0};
  uint64_t now = clock_ticks(&g->clock);
  pthread_mutex_lock(&g->m);
  if (target->place == GIL_OUT && !g->closed) {
    enqueue(g, target, now, READY_GRANTED, urgent);
    atomic_fetch_or_explicit(&g->word, GIL_READY, memory_order_relaxed); /* self owns it: nothing to publish */
    gil_plan(g, self, now, &after);
  }
  assert(gil_sane(g));
  gil_unlock(g, after);
  arm_if_requested(self);
}

static bool yield_by_battle(GilThread *self) {
  gil_leave(self);
  gil_take(self);
  return true;
}

bool gil_yield(GilThread *self) {
  Gil *g = self->gil;
  assert(gil_held(self));
  if ((atomic_load_explicit(&g->word, memory_order_relaxed) & GIL_READY) == 0) {
    atomic_fetch_and_explicit(&self->requests, ~(uint32_t)REQUEST_SWITCH, memory_order_relaxed);
    return false;
  }
  if (g->policy->battle) return yield_by_battle(self);
  uint64_t now = clock_ticks(&g->clock);
  GilAfter after = {0};
  end_hold(self, now, GIL_YIELDED);
  self->forced++;
  g->forced++;
  pthread_mutex_lock(&g->m);
  if (lost(g)) {
    pthread_mutex_unlock(&g->m);
    stop_for_ever(self);
  }
  answer(g, self, now);
  if (g->schedule != NULL) enqueue(g, self, now, READY_FORCED, false);
  GilThread *next = g->schedule != NULL ? pick_scheduled(g, self, now, GIL_YIELDED) : pick(g, now);
  bool brief = next->urgent_in == gil_peek(&g->turn_since); /* let in for something short, most likely */
  if (g->schedule == NULL) enqueue(g, self, now, READY_FORCED, false);
  give(g, next, now, &after);
  gil_plan(g, self, now, &after);
  assert(gil_sane(g));
  gil_unlock(g, after);
  /* not brief: asleep at once, for its core may be the one that `next` needs */
  if (!sleep_for_lock(self, CLOCK_NEVER, 0, brief)) stop_for_ever(self);
  return true;
}

/* WAKE_COME: takes the offered lock, or goes back to the head of the line if somebody was faster. */
static bool come(GilThread *self) {
  Gil *g = self->gil;
  GilAfter after = {0};
  bool mine = false;
  pthread_mutex_lock(&g->m);
  if (g->coming == self) { /* else it was given the lock meanwhile: WAKE_OWNER follows */
    uint64_t now = clock_ticks(&g->clock);
    g->coming = NULL;
    self->place = GIL_OUT;
    mine = atomic_load_explicit(&g->word, memory_order_relaxed) == GIL_READY;
    if (mine) {
      self->waited += now - self->ready_since;
      gil_own(g, self);
      begin_hold(self, self->ready_since, now);
      judge(g, self, now, &after);
    } else {
      self->place = GIL_QUEUED;
      g->queued++;
      gil_queue_insert(&g->ready, NULL, self);
      gil_plan(g, self, now, &after);
    }
  }
  assert(gil_sane(g));
  gil_unlock(g, after);
  return mine;
}

/* acquire: a bit may have been set once more since it was seen, and what was done before that must show */
static void forget(GilThread *self, uint32_t bits) {
  atomic_fetch_and_explicit(&self->wake, ~bits, memory_order_acquire);
}

/* Sleeps until self owns the lock, or, without it, until the deadline or a wanted request: false. */
static bool sleep_for_lock(GilThread *self, int64_t deadline, uint32_t wanted, bool spin) {
  /* the signal should have come by now: C code has blocked it in this thread */
  int signal = gil_ask_signal(self->gil);
  if (signal != 0 && atomic_load_explicit(&self->asked, memory_order_relaxed)) os_unblock_signal(signal);
  if (spin && atomic_load_explicit(&self->wake, memory_order_relaxed) == 0) gil_spin(self, deadline);
  for (;;) {
    /* acquire pairs with the release in gil_tell */
    uint32_t told = atomic_load_explicit(&self->wake, memory_order_acquire);
    if ((told & WAKE_OWNER) != 0) {
      forget(self, WAKE_OWNER | WAKE_COME | WAKE_ASLEEP);
      arm_if_requested(self);
      return true;
    }
    if ((told & WAKE_COME) != 0) {
      forget(self, WAKE_COME | WAKE_ASLEEP);
      if (come(self)) {
        arm_if_requested(self);
        return true;
      }
    } else if ((told & WAKE_CLOSED) != 0) {
      return false;
    } else if ((told & WAKE_POKE) != 0) {
      forget(self, WAKE_POKE | WAKE_ASLEEP);
      if ((atomic_load_explicit(&self->requests, memory_order_relaxed) & wanted) != 0) return false;
    } else if ((told & WAKE_ALARM) != 0) {
      forget(self, WAKE_ALARM | WAKE_ASLEEP);
      if (deadline == CLOCK_NEVER) return false; /* else it was told before it looked */
    } else if ((told & WAKE_ASLEEP) == 0) {
      atomic_fetch_or_explicit(&self->wake, WAKE_ASLEEP, memory_order_relaxed);
    } else {
      int64_t until = gil_stir(self, deadline);
      bool stirred = self->stirred != NULL && (atomic_load_explicit(&self->requests, memory_order_relaxed) & wanted) != 0;
      if (!stirred && (futex_wait(&self->wake, WAKE_ASLEEP, until) || until < deadline)) continue;
      forget(self, WAKE_ASLEEP);
      return false;
    }
  }
}

/* gil_sleep with a schedule, which ends timed waits itself; but while nothing is left to run than native work elsewhere,
 * the first sleeper sleeps for real. */
static bool sleep_scheduled(Gil *g, GilThread *self, uint32_t wanted, bool spin) {
  for (;;) {
    pthread_mutex_lock(&g->m);
    bool idle = schedule_sleeper(g) == self && gil_owner(atomic_load_explicit(&g->word, memory_order_relaxed)) == NULL;
    int64_t deadline = idle ? schedule_alarm(g) : CLOCK_NEVER;
    pthread_mutex_unlock(&g->m);
    if (sleep_for_lock(self, deadline, wanted, spin)) return true;
    if ((atomic_load_explicit(&self->requests, memory_order_relaxed) & wanted) != 0) break;
    pthread_mutex_lock(&g->m);
    idle = schedule_sleeper(g) == self && gil_owner(atomic_load_explicit(&g->word, memory_order_relaxed)) == NULL;
    bool over = g->closed || (idle && deadline != CLOCK_NEVER && schedule_jump(g, deadline));
    pthread_mutex_unlock(&g->m);
    if (over) break;
  }
  take(self);
  return false;
}

bool gil_sleep(GilThread *self, int64_t deadline, uint32_t wanted, bool spin) {
  if (__builtin_expect(self->gil->schedule != NULL, 0)) return sleep_scheduled(self->gil, self, wanted, spin);
  if (sleep_for_lock(self, deadline, wanted, spin)) return true;
  take(self);
  return false;
}
