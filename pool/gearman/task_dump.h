/* A call as a job's packet. */
#ifndef GILUA_POOL_GEARMAN_TASK_DUMP_H
#define GILUA_POOL_GEARMAN_TASK_DUMP_H

#include "pool/gearman/client.h"

/* task_dump makes the packet that submits the call of the function at index `first`, with the nargs arguments above
 * it; chunk_run is a chunk. *unique gets the task's. The stack slots of functions are overwritten. Raises `pickle`
 * for what cannot travel, memory errors. May leave the lock. */
Payload *task_dump(lua_State *L, Tstate *ts, JobClient *c, int first, int nargs, uint64_t number,
                   char unique[JOB_UNIQUE]);

#endif
