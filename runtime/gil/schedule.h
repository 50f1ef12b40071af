/* A schedule: every change of hands of the lock is decided by a strategy and a seed, and time is virtual, so that the same
 * program runs the same way again.
 *
 * What makes it so     in line stands exactly who can run: a thread is put there by what the owner does (a grant, a request, a
 *                      start) or by the virtual clock, never by how fast its system thread is. It may be given the lock before
 *                      its system thread has come to ask for it. Lines are sorted by the threads' numbers.
 * Where it chooses     at events, VM instructions that others may notice, or at each one (schedule_tick, from the hook), and where the owner parks,
 *                      ends, or leaves for native work (schedule_choose).
 * Time                 goes on by STEP_NS with each instruction and READ_NS with each look at it, and jumps to the next deadline
 *                      when every thread waits.
 * What is recorded     the turns: each change of hands with the instruction of its thread at which it happened.
 * Not decided          when native work, descriptors and foreign threads come back: they are put in line as they come. While one
 *                      is outside and nobody can run, the first sleeper sleeps for real.
 *
 * States of a thread (Scheduled)   parked   in line   outside
 *   runs, or runs Lua next            -        -        -
 *   in line                           -        yes      -       schedule_ready
 *   waits                             yes      -        -       schedule_park; with a deadline among the sleepers
 *   in native work                    -        -        yes     schedule_out, schedule_back
 *
 * Guarded by           Gil.m, and most of it by the lock, too: [G].
 */
#ifndef GILUA_RUNTIME_GIL_SCHEDULE_H
#define GILUA_RUNTIME_GIL_SCHEDULE_H

#include "runtime/gil/gil.h"

typedef struct Strategy Strategy;

/* One change of hands. */
typedef struct Turn {
  uint64_t steps; /* instructions that `from` had run */
  uint32_t from, to; /* numbers of threads */
  uint32_t nth;   /* turns that `from` had ended at that instruction by itself before */
  uint16_t how;   /* GilHow */
  uint16_t plain; /* `from` ended it by itself, and `to` has the least number of those in line */
} Turn;

enum { TOUCHES = 4 };

/* What an instruction does that others may notice, as far as that is known: it gets or sets a part of an object, or with 0
 * all of it. */
typedef struct Touch {
  uint64_t object, part;
  bool writes;
} Touch;

typedef struct Touches {
  Touch at[TOUCHES];
  unsigned n;
} Touches;

/* What decides. Called with Gil.m held but for tick, and with what the schedule says of the threads up to date. */
struct Strategy {
  const char *name;
  bool each; /* tick is to be called at each instruction, not only at events */
  /* self has run gap more instructions, others: somebody else could run. Is one to be chosen now? May change s->gap. */
  bool (*tick)(Schedule *s, GilThread *self, bool others);
  /* Who of those in line, which are sorted by number, is next. self leaves the lock; GIL_YIELDED: it is in line, too. */
  GilThread *(*choose)(Schedule *s, const GilQueue *line, unsigned n, GilThread *self, GilHow how);
};

struct Schedule {
  const Strategy *strategy; /* [i] */
  uint64_t seed;            /* [i] */
  unsigned gap;             /* [G] instructions until tick is called next */
  uint64_t steps;           /* [G] instructions run by all threads */
  uint64_t events;          /* [G] of them that were events, while others could run */
  uint64_t state;           /* [G] a number of all that happened, by who watches; 0: nobody does */
  bool event;               /* [G] the next instruction is one */
  Touches next;             /* [G] what it touches, where somebody tells that */
  uint64_t limit;           /* [i] of them, before `over` is called */
  void (*over)(Schedule *s, GilThread *self); /* [i] does not return; NULL: no limit */
  _Atomic int64_t now;      /* [a] ns; written by the owner, or with m while there is none; relaxed */
  _Atomic unsigned ready;   /* [a] threads in line; written with m, a look without it may be late for who comes from outside */
  _Atomic uint64_t came;    /* [a] how often somebody was put in line; as ready */
  _Atomic int64_t next_due; /* [a] the least deadline of the sleepers, CLOCK_NEVER: none; as ready */
  GilThread *sleepers;      /* [m] sorted by deadline, then by number */
  unsigned outside;         /* [m] threads that are in native work, or wait for descriptors */
  bool was_outside;         /* [m] some thread has been: nobody can say that the run repeats */
  uint64_t digest;          /* [m] of all turns */
  uint64_t nturns;          /* [m] */
  Turn *turns;              /* [i] the first of them are kept here; NULL: none */
  uint64_t room;            /* [i] so many */
  void *data;               /* [i] the strategy's */
};

enum { STEP_NS = 100, READ_NS = 1000 };

/* What the program takes for the time of day is this much more. */
#define SCHEDULE_EPOCH_NS INT64_C(999999999000000000)

/* schedule_init makes a schedule at its beginning; its owner sets limit, over, turns and data before gil_set_schedule. */
void schedule_init(Schedule *s, const Strategy *strategy, uint64_t seed);

/* schedule_tick counts what self, the owner, ran since the last one; event: others may notice what it does next. True: it is to
 * yield now. */
bool schedule_tick(Schedule *s, GilThread *self, bool event);

/* schedule_read looks at the clock for the program: that takes a moment. Needs the lock. */
int64_t schedule_read(Schedule *s);

static inline int64_t schedule_now(const Schedule *s) { return atomic_load_explicit(&s->now, memory_order_relaxed); }

/* For lock.c and gil.c, with m. park: self, the owner, begins a wait. ready: t is in line now. out, back: self left the lock
 * for native work; comes by itself, from there or from a wait. due: takes out the next sleeper that is to be put in line, NULL: none; jumps when everybody
 * waits. choose: who of the line is next, NULL: nobody is in it; notes the turn. */
void schedule_park(Gil *g, GilThread *self);
void schedule_ready(Gil *g, GilThread *t);
void schedule_out(Gil *g, GilThread *self);
void schedule_back(Gil *g, GilThread *self);
GilThread *schedule_due(Gil *g);
GilThread *schedule_choose(Gil *g, GilThread *self, GilHow how);

/* The same: the first sleeper, or NULL; until when, by the real clock, it sleeps; that time has come, false: not any more. */
GilThread *schedule_sleeper(const Gil *g);
int64_t schedule_alarm(const Gil *g);
bool schedule_jump(Gil *g, int64_t real);

/* schedule_hears tells whether target waits and these requests end that. With the lock. */
bool schedule_hears(Gil *g, const GilThread *target, uint32_t bits);

#endif
