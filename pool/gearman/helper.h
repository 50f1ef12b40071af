/* The helper: a thread of the client that connects to servers, serves the connections while nobody waits, and ends
 * it. */
#ifndef GILUA_POOL_GEARMAN_HELPER_H
#define GILUA_POOL_GEARMAN_HELPER_H

#include "pool/gearman/client_state.h"

/* helper_start starts it, detached. Returns 0 or an errno. */
int helper_start(JobClient *c);

#endif
