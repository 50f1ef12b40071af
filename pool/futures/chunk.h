/* Chunks: several calls of one function in one task. */
#ifndef GILUA_POOL_FUTURES_CHUNK_H
#define GILUA_POOL_FUTURES_CHUNK_H

#include <lua.h>

/* chunk_run(f, batch, count, arity, spread) -> results, n, ns, failed [, error, traceback]
 *
 * The Lua function that runs in a worker: calls f for each tuple in `batch`, in order (Chunk in backend.h). results[1 … n]
 * is the first value of each call (false for nil, so that a loop over results goes on); ns is how long the calls took.
 * The first call that fails ends the chunk: failed is true, its error and traceback are returned, not raised. It is also
 * package.loaded["gilua.futures"]._run_chunk, so that it travels by name. */
int chunk_run(lua_State *L);

#endif
