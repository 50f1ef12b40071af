/* Fewer switches that fail in the same way. */
#ifndef GILUA_INTERP_SHRINK_H
#define GILUA_INTERP_SHRINK_H

#include "interp/explored.h"

/* shrink takes x->job, a trial that failed, and leaves there the last one that failed likewise, with a list of turns of which
 * none can be left out; that run notes its lines. x->kept, preemptions, repeats and text are set. limit is in instructions;
 * job is one to try with. Returns 0 or an errno. */
int shrink(lua_State *L, const TrialProgram *program, uint64_t seed, uint64_t limit, Job *job, Explored *x);

#endif
