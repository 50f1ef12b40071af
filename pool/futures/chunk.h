/* Chunks: several calls of one function in one task. */
#ifndef GILUA_POOL_FUTURES_CHUNK_H
#define GILUA_POOL_FUTURES_CHUNK_H

#include <lua.h>

/* chunk_run(f, batch, count, arity, spread, goes_on) -> results, n, ns [, errors]
 *
 * The Lua function that runs in a worker: calls f for each tuple in `batch`, in order (Chunk in backend.h). results[1 … n]
 * is the first value of each call (false for nil, so that a loop over results goes on, and for one that failed); ns is how
 * long the calls took. errors[k] is {error, traceback} of a call that failed, nil if none did; unless goes_on, the first
 * ends the chunk. A request of the calling thread is the outcome of the call that it ends, and of those that would follow. Scripts do not reach it; it travels by a name of its own (pickle_register). */
int chunk_run(lua_State *L);

/* How many values it gives, and which argument `spread` is. */
enum { CHUNK_VALUES = 4, CHUNK_SPREAD = 5 };

#endif
