/* The global interpreter lock: who may run Lua now, who is next, and how the one who runs is asked to stop.
 *
 * One Gil guards one lua_State and everything marked [G]. It knows threads only as GilThreads, and nothing of Lua: how
 * a running thread is made to reach a point where it can leave is the `arm` function that its owner gives it (hook.c).
 *
 *   gil_take(self)     get the lock, in turn
 *   gil_leave(self)    leave it for a native call; gil_take may come straight back
 *   gil_park(self)     leave it for a wait that somebody else ends: gil_ready(target), called with the lock
 *   gil_yield(self)    hand it to whoever is next, and queue again
 *
 * Guard tags, here and in every other struct: [G] under the lock · [m] under Gil.m · [a] atomic, order at the access ·
 * [i] constant once the object is in use · [t] its own thread only.
 */
#ifndef GILUA_RUNTIME_GIL_GIL_H
#define GILUA_RUNTIME_GIL_GIL_H

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "runtime/os/clock.h"

typedef struct Gil Gil;
typedef struct GilThread GilThread;
typedef struct Policy Policy;
typedef struct Schedule Schedule;

/* Bits of GilThread.wake: what a sleeping thread is told. OWNER and COME are taken back by the thread itself. */
enum {
  WAKE_OWNER = 1,  /* the lock is yours */
  WAKE_COME = 2,   /* the lock is free: come and take it */
  WAKE_POKE = 4,   /* look at your requests */
  WAKE_ASLEEP = 8, /* set by the sleeper: a futex_wake is needed */
  WAKE_CLOSED = 32, /* the lock is closed, and you may give up */
  WAKE_POLLS = 16, /* set by the sleeper: it is in poll, a write to wake_fd is needed */
  WAKE_CALLS = 64, /* set by the thread: it is in a read that signals end, see blocking.c */
  WAKE_ENDS = 256, /* with WAKE_CALLS: somebody else uses the descriptor of that read */
  WAKE_ALARM = 128, /* with a schedule: you sleep for real from here on */
};

/* Bits of GilThread.requests. The lock knows the first; the others belong to request.h. */
enum { REQUEST_SWITCH = 1 };

/* Where a thread stands in the line for the lock. */
typedef enum GilPlace {
  GIL_OUT,    /* not in line: owns the lock, sleeps, or runs native code */
  GIL_QUEUED, /* in the ready queue */
  GIL_COMING, /* out of the queue, woken to take a free lock; at most one */
} GilPlace;

/* What a schedule (schedule.h) knows of a thread; all zero without one. */
typedef struct Scheduled {
  uint64_t number;        /* [i] in the order in which the threads were made; not 0 */
  uint64_t steps;         /* [G] VM instructions that it has run */
  uint64_t mark;          /* [m] the strategy's, 0 at first */
  int64_t until;          /* [G] when its wait ends by itself, in the schedule's time */
  uint32_t wanted;        /* [G] the requests that end its wait */
  uint32_t turns;         /* [m] waits that it has begun at this step */
  bool parked;            /* [m] it waits, and nothing has ended that */
  bool outside;           /* [m] it left the lock for native work, and is not back */
  GilThread *next, *prev; /* [m] the sleepers, while parked with a deadline */
} Scheduled;

/* A thread as the lock sees it; embedded in the thread state. Lives until after its last gil_exit. */
struct GilThread {
  Gil *gil;                      /* [i] */
  _Atomic uint32_t wake;         /* [a] the word it sleeps on */
  _Atomic uint32_t requests;     /* [a] REQUEST_ bits: set by anybody, cleared by the thread; relaxed, see lock.c */
  _Atomic int wake_fd;           /* [a] an eventfd that ends its polls, -1 until it needs one; published by WAKE_POLLS */
  _Atomic pid_t tid;             /* [a] set by the thread before its first take; relaxed, 0 until known */
  int spin;                      /* [t] how well spinning did lately; sleeps at once while negative */
  _Atomic uint64_t arm_cost;     /* [a] ticks that arming it took last; relaxed, a hint */
  _Atomic bool asked;            /* [a] a signal is on its way to it: set by who sends it, cleared by its handler; relaxed */
  _Atomic bool awake;            /* [a] waits by spinning; relaxed, a hint for who is next */
  _Atomic uint64_t hold_since;   /* [a] ticks; written by the thread, read by others as a hint */
  _Atomic uint64_t held;         /* [a] ticks it held the lock, up to hold_since; the same */
  uint64_t acquisitions;         /* [G] */
  uint64_t waited;               /* [G] ticks from ready to owner */
  uint64_t forced;               /* [G] switches it was made to do */
  uint64_t longest;              /* [G] longest hold, ticks */
  bool gives_up;                 /* [m] in gil_take_open */
  void (*shut_out)(GilThread *self); /* [t] called when self will never get the lock again, in place of a sleep for ever;
                                    does not return. NULL: it sleeps */
  void (*stirred)(GilThread *self); /* [i] a signal handler of the host may have asked something of self, which sleeps: may
                                    set requests. NULL: none does */
  GilThread *next, *prev;        /* [m] ready queue */
  GilPlace place;                /* [m] */
  uint64_t urgent_in;            /* [m] the turn (Gil.turn_since) in which the owner is asked for it at once, or 0 */
  int64_t handicap;              /* [m] policy: ticks added to held when threads are compared */
  int64_t key;                   /* [m] policy: place in the ready queue */
  uint64_t ready_since;          /* [m] ticks */
  Scheduled scheduled;
};

/* Why a thread is ready. */
typedef enum ReadyWhy {
  READY_BACK,    /* it came back from native code, or from a wait that nobody ended */
  READY_GRANTED, /* the owner ended its wait */
  READY_FORCED,  /* it held the lock and was made to leave it */
} ReadyWhy;

/* A first in, first out list of threads. */
typedef struct GilQueue {
  GilThread *head, *tail; /* [m] */
} GilQueue;

/* How a thread left the lock. */
typedef enum GilHow {
  GIL_LEFT,    /* for native work */
  GIL_PARKED,  /* for a wait, or for good */
  GIL_YIELDED, /* to let another thread run */
} GilHow;

/* Who watches turns; trace/recorder.c. Called with the lock, or on behalf of a thread that is just given it, Gil.m held:
 * must neither block nor run Lua. */
typedef struct GilWatcher {
  /* t has owned the lock since `now`, and stood in line for it since `ready`. */
  void (*began)(GilThread *t, uint64_t ready, uint64_t now);
  /* t, the calling thread, leaves it. */
  void (*ended)(GilThread *t, uint64_t now, GilHow how);
} GilWatcher;

/* What a policy decides; it is called with Gil.m held and must neither block nor allocate. */
struct Policy {
  const char *name;
  /* VM instructions between two looks at the queue, or 0: only when asked. */
  unsigned poll;
  /* A switch frees the lock for whoever is fastest, instead of handing it over. */
  bool battle;
  /* The owner is asked when somebody has waited a full interval, not when its own turn has lasted one. */
  bool patient;
  /* Puts t, which became ready now, into g->ready, and sets t->urgent_in to this turn if the owner is to be asked at
   * once. */
  void (*ready)(Gil *g, GilThread *t, uint64_t now, ReadyWhy why);
  /* The owner took the lock although `first` stands in line: sets first->urgent_in as `ready` would now, which could not
   * know whose turn it would be while the lock was free. NULL: never. */
  void (*judge)(Gil *g, GilThread *first, uint64_t now);
  /* May t, back from a native call, take the free lock although others are ready? */
  bool (*straight_back)(Gil *g, GilThread *t, uint64_t now);
};

extern const Policy policy_fair, policy_interval, policy_ticks;
extern const Policy policy_seeded; /* for gil_set_schedule; not found by name */

/* policy_find returns the policy of that name, or NULL. */
const Policy *policy_find(const char *name);

/* The lock of one runtime. The protocol is at the top of lock.c. */
struct Gil {
  _Atomic uintptr_t word;           /* [a] owner, and GIL_READY in bit 0 */
  pthread_mutex_t m;                /* guards the fields marked [m]; nothing else is locked under it */
  GilQueue ready;                   /* [m] who wants the lock, the next one first */
  unsigned queued;                  /* [m] its length */
  GilThread *coming;                /* [m] */
  const Policy *policy;             /* [m] */
  Schedule *schedule;               /* [i] once there is a second thread: decides who is next, instead of the policy; NULL: none */
  uint64_t interval;                /* [m] ticks */
  int64_t interval_ns;              /* [m] */
  int64_t floor;                    /* [m] policy: the least account that counts; never falls */
  double ticks_per_ns;              /* [i] */
  Clock clock;                      /* [i] */
  GilThread *last;                  /* [G] who took it last */
  _Atomic uint64_t turn_since;      /* [a] ticks when `last` became it; relaxed, a hint for the nudger */
  uint64_t switches;                /* [G] */
  uint64_t forced;                  /* [G] of these, forced */
  uint64_t asks;                    /* [m] signals sent */
  uint64_t asked_at;                /* [m] ticks of the newest ask */
  uint64_t ask_pause;               /* [m] ticks until the owner may be asked again; doubles while it does not react */
  _Atomic int spinners;             /* [a] threads that spin; relaxed, only a bound */
  int cpus;                         /* [m] processors of the process */
  pid_t pid;                        /* [i] changes in a forked child only */
  _Atomic int ask_signal;           /* [a] 0: asking only sets the request, an armed count hook looks at it; relaxed, it
                                       becomes 0 once and then stays */
  void (*arm)(GilThread *self);     /* [i] makes self reach a safe point soon; called by the owner. May be NULL */
  void (*longest)(GilThread *self); /* [i] self leaves the lock after its longest hold, a long one. May be NULL */
  const GilWatcher *watcher;        /* [G] NULL: nobody watches */
  uint64_t late_after;              /* [G] ticks that somebody may be kept waiting before `late` is called; UINT64_MAX: never */
  /* [G] self leaves the lock, for which next has stood in line so many ticks of its hold. With m, as GilWatcher. */
  void (*late)(GilThread *self, GilThread *next, uint64_t ticks);
  void (*unheard)(Gil *g);          /* [i] called by the nudger: a signal was sent whose handler has not run yet. May be NULL */
  /* [i] ends native calls of threads that have requests, see native_calls; due: it wanted to be called again by now. Returns
   * in how many ns it wants that, 0: not. May be NULL */
  int64_t (*unblock)(Gil *g, bool due);
  _Atomic unsigned native_calls;    /* [a] calls that have to be ended for a request: it alarms the nudger, which calls
                                       unblock; seq_cst against requests, see blocking.c */
  _Atomic bool calls_asked;         /* [a] gil_alarm_calls was called since unblock has looked; seq_cst, rarely touched */
  bool closed;                      /* [m] nobody gets the lock any more */
  bool lost;                        /* [m] … since the owner did not come along into this forked child */
  struct Nudger *_Atomic nudger;    /* [a] NULL until gil_start_nudger; set under m, the alarm reads it in a handler */
  _Atomic uint32_t alarm;           /* [a] 1: the nudger is to look now */
  uint64_t nudge_at;                /* [m] ticks at which the nudger looks again; UINT64_MAX: when it is alarmed */
};

/* gil_init makes a free lock with policy fair and an interval of 5 ms. Returns 0 or an errno. */
int gil_init(Gil *g);

/* gil_fini releases what gil_init and the nudger took. The lock must be free or closed, with no thread left. */
void gil_fini(Gil *g);

/* gil_thread_init makes t a thread of g that does not want the lock; it starts with parent's account, if there is one.
 * Set tid on the thread itself. Needs the lock unless t is the first thread. */
void gil_thread_init(GilThread *t, Gil *g, const GilThread *parent);

/* gil_thread_fini releases what a thread of g holds of the system. It has exited, and nobody pokes it any more. Once more does
 * nothing. */
void gil_thread_fini(GilThread *t);

/* gil_held tells whether t owns the lock; only t itself may ask about t. */
static inline bool gil_held(const GilThread *t) {
  /* relaxed: nobody else can write my address into the word, so a stale answer is impossible for self */
  return (atomic_load_explicit(&t->gil->word, memory_order_relaxed) & ~(uintptr_t)1) == (uintptr_t)t;
}

/* gil_wanted tells t, the owner, whether somebody stands in line. A hint: that may change at once. */
static inline bool gil_wanted(const GilThread *t) {
  return (atomic_load_explicit(&t->gil->word, memory_order_relaxed) & 1) != 0; /* GIL_READY */
}

/* gil_take gets the lock for self, which must not own it. Keeps errno. Threads: self's. Blocks: until its turn; for
 * ever when the lock is closed. Requests that came meanwhile are armed. */
void gil_take(GilThread *self);

/* gil_take_open is gil_take for a thread from outside: when the lock is closed, before or meanwhile, it returns false
 * instead of sleeping for ever; then self may be freed. */
bool gil_take_open(GilThread *self);

/* gil_leave leaves the lock for native work: wakes at most one ready thread. Keeps errno. */
void gil_leave(GilThread *self);

/* gil_idle is gil_leave for a wait that ends outside, as in gil_poll: the lock is not kept for one that is still asleep. */
void gil_idle(GilThread *self);

/* gil_park leaves the lock for a wait that gil_ready ends; the next ready thread gets it. gil_sleep must follow. */
void gil_park(GilThread *self);

/* gil_until says, before gil_park, what will end the wait without gil_ready: the arguments of gil_sleep. A schedule wants to
 * know that as the lock is left. */
static inline void gil_until(GilThread *self, int64_t deadline, uint32_t wanted) {
  self->scheduled.until = deadline;
  self->scheduled.wanted = wanted;
}

/* gil_sleep waits, after gil_park, until self is readied and owns the lock again. When the deadline passes, or a request
 * in `wanted` is there, it takes the lock by itself. spin: somebody may well ready it within microseconds. Returns, with
 * the lock, false if it came back by itself; it may have been readied meanwhile. */
bool gil_sleep(GilThread *self, int64_t deadline, uint32_t wanted, bool spin);

/* gil_poll waits, after gil_idle, until one of fds[0 … n-1] is ready as poll(2) says; fds has room for one
 * more, which is ours. Returns how many are ready, 0 when the deadline passed, -1 when a request in `wanted` is there, or
 * a negative errno less than -1. Comes back without the lock: gil_take must follow. Keeps errno. */
int gil_poll(GilThread *self, struct pollfd *fds, unsigned n, int64_t deadline, uint32_t wanted);

/* gil_ready says that `target`, parked, is to run again: it is queued, not woken. urgent: ask the owner, self, to let
 * it at its next safe point. No effect on a thread that is queued already. Needs the lock, held by self. */
void gil_ready(GilThread *self, GilThread *target, bool urgent);

/* gil_yield gives the lock to the next ready thread, if there is one, and takes it back in turn. Returns whether it
 * did. Needs the lock, at a point where Lua's state is consistent. */
bool gil_yield(GilThread *self);

/* gil_exit drops the lock for the last time; self may be freed then, after gil_thread_fini. */
void gil_exit(GilThread *self);

/* gil_pass passes through the mutex: who looks at owners there (the nudger) sees a new GilThread as it was made, if this
 * is called before its first take, and looks at an old one no more, if after its last gil_leave. */
void gil_pass(Gil *g);

/* gil_close, called by the owner, lets nobody have the lock any more: later takers sleep for ever. */
void gil_close(GilThread *self);

/* gil_abandon closes it for self, which cannot get it, from a thread that has nothing to do with g: the owner goes on until
 * it leaves the lock or stops, and then has lost it, too. Returns false, without effect, if self is the owner. */
bool gil_abandon(Gil *g, GilThread *self);

/* gil_poke makes target look at its requests if it sleeps; returns its wake word of before. Safe in a signal handler. */
uint32_t gil_poke(GilThread *target);

/* gil_request sets bits in target->requests and makes it see them soon, wherever it is: a sleeper wakes, the owner is
 * asked. Needs the lock, held by self; target may be self. */
void gil_request(GilThread *self, GilThread *target, uint32_t bits);

/* gil_signal sends t, which may be the owner, the signal that asks. Safe in a signal handler. */
void gil_signal(GilThread *t);

/* gil_ask_signal is the signal that asks an owner, or 0. */
static inline int gil_ask_signal(const Gil *g) { return atomic_load_explicit(&g->ask_signal, memory_order_relaxed); }

/* gil_heard, called by the handler, tells whether the signal was one of gil_signal's or the nudger's. */
static inline bool gil_heard(GilThread *self) {
  return atomic_exchange_explicit(&self->asked, false, memory_order_relaxed);
}

/* gil_start_nudger starts the thread that asks; a second call does nothing. Returns 0 or an errno. */
int gil_start_nudger(Gil *g);

/* gil_stop_nudger ends it and joins it. */
void gil_stop_nudger(Gil *g);

/* Signals of the host are looked for so often in a sleep that they may end: one that comes just before a sleep does not
 * disturb it. */
enum { GIL_STIR_NS = 50000000 };

/* gil_alarm wakes the nudger because a request is pending. Safe in a signal handler. */
void gil_alarm(Gil *g);

/* gil_alarm_calls does so, and has it look at the native calls. Safe in a signal handler. */
void gil_alarm_calls(Gil *g);

/* gil_set_policy, gil_set_interval change how turns are dealt out, at once. Need the lock. */
void gil_set_policy(Gil *g, const Policy *policy);
void gil_set_interval(Gil *g, int64_t ns);

/* gil_set_schedule has schedule decide from now on; it must live as long as the lock, or until the child of a fork, where none
 * does. Needs the lock, held by self, the only thread. */
void gil_set_schedule(GilThread *self, Schedule *schedule);

/* gil_now is the time that waits go by: the schedule's, or clock_ns. Needs the lock. */
int64_t gil_now(const Gil *g);

/* gil_deadline is clock_deadline by that time. Needs the lock. */
int64_t gil_deadline(const Gil *g, double seconds);

/* gil_real turns such a deadline into one of the real clock, for waits that a schedule does not know. Needs the lock. */
int64_t gil_real(const Gil *g, int64_t deadline);

/* gil_asks is how many signals were sent. */
uint64_t gil_asks(Gil *g);

/* gil_take_if_free gets the lock if nobody owns it and nobody is ready; never waits. Keeps errno. Threads: self's. */
bool gil_take_if_free(GilThread *self);

/* gil_held_ticks is how long t has held the lock up to now. Needs the lock. */
static inline uint64_t gil_held_ticks(const GilThread *t, uint64_t now) {
  uint64_t held = atomic_load_explicit(&t->held, memory_order_relaxed);
  return gil_held(t) ? held + now - atomic_load_explicit(&t->hold_since, memory_order_relaxed) : held;
}

/* Fork: gil_before_fork locks g->m; the parent unlocks it; the child, on the only thread left, makes g its own: self
 * is the owner (or NULL: the owner vanished, g is closed), every other thread is gone, and the nudger too. */
void gil_before_fork(Gil *g);
void gil_after_fork_parent(Gil *g);
void gil_after_fork_child(Gil *g, GilThread *self);

#endif
