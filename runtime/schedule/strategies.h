/* The strategies of schedules (gil/schedule.h): how the seed becomes switches. Each has its data in Schedule.data. */
#ifndef GILUA_RUNTIME_SCHEDULE_STRATEGIES_H
#define GILUA_RUNTIME_SCHEDULE_STRATEGIES_H

#include "runtime/gil/schedule.h"

/* Events are instructions that others may notice, run while others could run (schedule.h); where these are not known, all.
 *
 * Random: after a gap of events, and at every wait, one of those who can run, each as likely. Gaps are drawn evenly
 * over the orders of magnitude from 1 to 2^span, since nobody knows how far apart those of a race are. */
typedef struct RandomStrategy {
  uint64_t state; /* [G] of draw.h */
  unsigned span;  /* [i] */
  bool steps;     /* [i] each instruction is looked at, so that turns say exactly where they were; else only each gap */
  uint64_t left;  /* [G] events until the next choice */
} RandomStrategy;

/* random_begin makes s a schedule of that strategy; r must live as long as s. span < 64, or < 31 unless steps. */
void random_begin(Schedule *s, RandomStrategy *r, uint64_t seed, unsigned span, bool steps);

enum { PCT_DEPTH_MAX = 16 };

/* PCT: threads have random priorities, the highest that can run does, and at depth - 1 random events of the run the
 * one that runs gets the lowest. A bug of that depth in a program of `threads` threads and `length` events is found
 * with a probability of at least 1 / (threads * length^(depth - 1)).
 *
 * Source: Burckhardt, Kothari, Musuvathi and Nagarakatte, "A randomized scheduler with probabilistic guarantees of finding
 * bugs", 2010. Ours beyond it: who has slept, or spun for `patience` events while others could run, gets a priority
 * below all, since a thread that waits for another by looking would run for ever. */
typedef struct PctStrategy {
  uint64_t state;               /* [G] of draw.h */
  unsigned n;                   /* [i] changes */
  uint64_t at[PCT_DEPTH_MAX];   /* [i] their events, sorted */
  unsigned next;                /* [G] of them */
  uint64_t lowest;              /* [m] the last low priority given */
  uint64_t seen;                /* [m] Schedule.came at the last choice */
  uint64_t patience, spun;      /* [i]; [m] */
} PctStrategy;

/* pct_begin makes s a schedule of that strategy, for runs of `length` events. 1 <= depth <= PCT_DEPTH_MAX. */
void pct_begin(Schedule *s, PctStrategy *p, uint64_t seed, unsigned depth, uint64_t length);

/* pct_bound is the probability above. */
double pct_bound(unsigned depth, uint64_t threads, uint64_t length);

enum { POS_THREADS = 64 };

/* What a thread does when it is chosen next; [G], written with m or by the owner in its tick. */
typedef struct PosEvent {
  bool waits; /* it was preempted as it came to it */
  Touches touches;
} PosEvent;

/* POS: each event gets a random priority when its thread comes to it; the highest that can happen does, and those that race
 * with it get new ones: they touch the same, and one of the two sets it.
 *
 * Source: Yuan, Yang and Gu, "Partial order aware concurrency sampling", 2018. Where Schedule.next is not told, or a thread's
 * number is POS_THREADS or more, nothing races: that is what they call BasicPOS. */
typedef struct PosStrategy {
  uint64_t state; /* [G] of draw.h */
  uint64_t best;  /* [m] the highest priority of those that were not chosen last */
  uint64_t seen;  /* [m] Schedule.came at the last choice */
  PosEvent of[POS_THREADS]; /* by number of the thread */
} PosStrategy;

/* pos_begin makes s a schedule of that strategy. */
void pos_begin(Schedule *s, PosStrategy *p, uint64_t seed);

/* A choice that a run made: who was in line, as bits by number, and who was taken. */
typedef struct Point {
  uint64_t steps, line, state; /* Schedule.state */
  uint32_t from, to, nth, how; /* as in Turn */
} Point;

/* Given: the switches of a list; at waits that the list does not name the first in line is next, and nobody else is preempted
 * but who has run GIVEN_PATIENCE instructions while others could: it may wait for one of them by looking. Strict: the list is what a whole run recorded, and each turn must be the next one of it. */
enum { GIVEN_PATIENCE = 10000 };

typedef struct GivenStrategy {
  const Turn *turns; /* [i] in the order of the run */
  uint64_t n, next;  /* [i]; [m] the first that may still come */
  uint64_t spun;     /* [m] instructions since the last choice, while others could run */
  bool strict;       /* [i] */
  bool differs;      /* [m] strict: the run is another one */
  Turn instead;      /* [m] what came then in the place of turns[next - 1], or of turns[next] if it is a preemption; to is 0 */
  Point *points;     /* [i] loose: the run's choices are noted here; NULL: not */
  uint64_t room;     /* [i] so many */
  uint64_t npoints;  /* [m] how many there were */
  uint64_t behind;   /* [m] of these, before or at the last turn of the list */
  bool wide;         /* [m] a thread had a number above 63 */
  const GilThread *fresh; /* [m] who was chosen last at a wait or its start, and came to no event since; NULL */
  uint64_t amid;     /* [m] threads that were preempted as they came to an event, as bits by number: it is the next they do */
  uint64_t seen;     /* [m] Schedule.came then */
  void (*tell)(Schedule *s, GilThread *self); /* [i] called at the next instruction then; NULL: nobody */
} GivenStrategy;

/* given_begin makes s a schedule of that strategy. */
void given_begin(Schedule *s, GivenStrategy *x, const Turn *turns, uint64_t n, bool strict);

#endif
