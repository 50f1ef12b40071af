/* Searching schedules of a program for one that fails, and making the one that was found small. */
#ifndef GILUA_INTERP_EXPLORE_H
#define GILUA_INTERP_EXPLORE_H

#include "interp/explored.h"

enum { EXPLORE_JOBS_MAX = 64 };

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

/* explore_defaults are the options of who says nothing. */
ExploreOptions explore_defaults(void);

/* explore_strategy finds one by name; false: there is none. explore_name is its name. */
bool explore_strategy(const char *name, ExploreStrategy *strategy);
const char *explore_name(ExploreStrategy strategy);

/* explore searches, until one fails. Returns 0 or an errno of the system's: no memory, no process. Keeps the lock. explore_end
 * releases x, whatever explore returned. */
int explore(lua_State *L, const ExploreOptions *options, const TrialProgram *program, Explored *x);
void explore_end(Explored *x);

/* explore_outcome says in a word how a trial ended. */
const char *explore_outcome(Outcome outcome);

#endif
