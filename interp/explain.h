/* What a run did, for people: the lines of its threads side by side. */
#ifndef GILUA_INTERP_EXPLAIN_H
#define GILUA_INTERP_EXPLAIN_H

#include <stdio.h>

#include "interp/trial.h"

/* explain prints the lines of t around its preemptions to out, a column for each thread. */
void explain(FILE *out, const Trial *t);
/* explain_name is the name of the thread with that number, in room if it has none. */
const char *explain_name(const Trial *t, uint32_t thread, char *room, size_t n);

/* explain_races prints the races that were seen in t, if there were any. */
void explain_races(FILE *out, const Trial *t);

#endif
