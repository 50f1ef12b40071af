/* A program under a schedule (runtime/gil/schedule.h): what else must be the same each time. */
#ifndef GILUA_INTERP_SEEDED_H
#define GILUA_INTERP_SEEDED_H

#include <lua.h>

#include "runtime/gil/schedule.h"

/* seeded_begin has schedule decide in the runtime of L from now on, seeds math.random, and has os.time, os.clock and os.date
 * tell the schedule's time. Needs the lock; the calling thread is the only one. May raise errors of memory. */
void seeded_begin(lua_State *L, Schedule *schedule, uint64_t seed);

#endif
