/* Mapping a function over lists with an executor: results one by one, over a bounded window of tasks. */
#ifndef GILUA_POOL_FUTURES_MAP_H
#define GILUA_POOL_FUTURES_MAP_H

#include "pool/futures/backend.h"

typedef struct MapOptions {
  lua_Integer chunk;  /* calls in one task; 0: automatic */
  lua_Integer buffer; /* calls submitted and not yet taken, at most; 0: automatic */
  int64_t deadline;   /* ns, of every result */
  bool unordered;     /* results as they come */
  bool persistent;    /* an error is one result; the iteration goes on if it is called again */
  bool closes;        /* a value to be closed when the map ends is on top of the stack */
} MapOptions;

/* map_start pushes the four values of a generic for: an iterator function, which may also be called without arguments, two
 * nils, and an object whose __close cancels what has not begun. Submits the first window. The executor is at index e, the
 * function at f, the n sources (source.h) above it. */
int map_start(lua_State *L, int e, int f, int n, const MapOptions *options);

#endif
