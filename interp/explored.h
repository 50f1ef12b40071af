/* What a search of schedules (explore.h) has found so far. */
#ifndef GILUA_INTERP_EXPLORED_H
#define GILUA_INTERP_EXPLORED_H

#include "interp/job.h"

enum { EXPLORE_TEXT = 4096 };

/* Run 0 is without any preemption; it measures the program. */
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

#endif
