/* The thread that stands in while nobody waits. */
#ifndef GILUA_POOL_PROCESS_COLLECTOR_H
#define GILUA_POOL_PROCESS_COLLECTOR_H

#include "pool/process/engine_state.h"

/* engine_start_collector starts it; 0 or an errno. */
int engine_start_collector(Engine *e);

#endif
