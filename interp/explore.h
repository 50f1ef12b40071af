/* Searching schedules of a program for one that fails, and making the one that was found small. */
#ifndef GILUA_INTERP_EXPLORE_H
#define GILUA_INTERP_EXPLORE_H

#include "interp/trial.h"

enum { EXPLORE_JOBS_MAX = 64, EXPLORE_TEXT = 4096 };

typedef enum ExploreStrategy { EXPLORE_RANDOM, EXPLORE_PCT, EXPLORE_POS, EXPLORE_ALL } ExploreStrategy;

typedef struct ExploreOptions {
  ExploreStrategy strategy;
  unsigned depth;  /* of pct and all: 1 to PCT_DEPTH_MAX; of all, one more than the most preemptions */
  unsigned jobs;   /* at a time: 1 to EXPLORE_JOBS_MAX */
  uint64_t seed;
  bool races;      /* a race is a failure */
  bool count;      /* go on after a failure, and count them */
  uint64_t runs;   /* at most, beside the first */
  int64_t time_ns; /* at most; CLOCK_NEVER */
} ExploreOptions;

/* What came of it. Run 0 is without any preemption; it measures the program. */
typedef struct Explored {
  uint64_t runs;     /* that have ended */
  uint64_t failures; /* of these, failed */
  uint64_t distinct; /* of these, had other turns than all before */
  uint64_t length;   /* VM instructions of run 0 */
  uint64_t events;   /* that others may notice as they run: the most of the first runs */
  uint64_t threads;  /* of run 0, main too */
  bool complete;     /* of all: every order was run */
  bool interrupted;  /* by a request of this thread, which is still to be served */
  Outcome outcome;   /* OUTCOME_GOOD: nothing was found */
  int status;        /* as Job */
  uint64_t run;      /* the number of the run that failed */
  uint64_t preemptions, kept; /* that it had; that are left */
  bool repeats;      /* once more with the turns that were left it went exactly the same way */
  char unseen[48];   /* why races were not looked for, or not always; "" */
  char text[EXPLORE_TEXT]; /* what it printed last */
  Job job;           /* the smallest run, lines and all; explore_end closes it */
} Explored;

/* explore_defaults are the options of who says nothing. */
ExploreOptions explore_defaults(void);

/* explore_strategy finds one by name; false: there is none. explore_name is its name. */
bool explore_strategy(const char *name, ExploreStrategy *strategy);
const char *explore_name(ExploreStrategy strategy);

/* explore searches, until one fails. Returns 0 or an errno of the system's: no memory, no process. Keeps the lock. explore_end
 * releases x, whatever explore returned. */
int explore(lua_State *L, const ExploreOptions *options, const TrialProgram *program, Explored *x);
void explore_end(Explored *x);

/* explore_forced counts the preemptions among the turns of a trial. */
uint64_t explore_forced(const Trial *t);

/* explore_outcome says in a word how a trial ended. */
const char *explore_outcome(Outcome outcome);

#endif
