/* Clients whose executor is gone: they do what was submitted, and the program's end waits for that. Every function
 * needs the lock. */
#ifndef GILUA_POOL_GEARMAN_CLIENTS_H
#define GILUA_POOL_GEARMAN_CLIENTS_H

#include "pool/futures/backend.h"
#include "pool/gearman/client.h"

/* clients_open makes the list of the runtime of L, or has the end of the runtime know of the one that is there. */
void clients_open(lua_State *L);

/* clients_let_go takes over the executor's reference to a closed client. Neither raises nor allocates. */
void clients_let_go(lua_State *L, JobClient *c);

/* clients_count fills in the counters of a client. Neither raises nor allocates. */
void clients_count(JobClient *c, PoolCounters *out);

/* clients_track is the number of a recording's row of that name. Raises a memory error. */
uint32_t clients_track(lua_State *L, Runtime *rt, const char *row);

#endif
