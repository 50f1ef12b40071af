/* Counters of the pools that a state has, and had. Needs the lock. */
#ifndef GILUA_POOL_FUTURES_LIB_COUNTERS_H
#define GILUA_POOL_FUTURES_LIB_COUNTERS_H

#include <lua.h>

#include "pool/futures/counters.h"

/* counters_sum adds up submitted, finished, queued and busy_ns of every pool that the state has had. Neither raises nor
 * allocates. */
void counters_sum(lua_State *L, PoolCounters *sum);

/* counters_register lets gil.stats() have the field `pools`; once a state. */
void counters_register(lua_State *L);

#endif
