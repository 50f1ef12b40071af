/* Lua values as items of queues and Pipes: what is one number, string or boolean in a few bytes, all else by gilua.pickle. */
#ifndef GILUA_POOL_MULTIPROCESSING_SHARED_ITEM_H
#define GILUA_POOL_MULTIPROCESSING_SHARED_ITEM_H

#include "pool/multiprocessing/shared_handle.h"
#include "runtime/shared/squeue.h"

/* shared_item_put puts the value at index i into the queue of h, or of the other end of a Pipe. Raises what prevents it;
 * PARK_TIMEOUT: it was full. SQUEUE_CLOSED: or this handle was closed meanwhile. */
ParkResult shared_item_put(lua_State *L, Tstate *ts, SharedHandle *h, int i, int64_t deadline, SQueueResult *result);

/* shared_item_get pushes the first value; only if PARK_GRANTED and SQUEUE_DONE. string: else SQUEUE_OTHER, it stays. */
ParkResult shared_item_get(lua_State *L, Tstate *ts, SharedHandle *h, bool string, int64_t deadline, SQueueResult *result);

#endif
