/* What a child notes of its run in its Trial: errors of threads, their names, the lines that they come to, races, states. */
#ifndef GILUA_INTERP_NOTES_H
#define GILUA_INTERP_NOTES_H

#include "interp/trial.h"

/* notes_begin notes all from now on, for good, in t, which stays mapped. In the child, before it has a second thread. May raise
 * errors of memory. */
void notes_begin(lua_State *L, Trial *t);

#endif
