/* Submitting calls as chunks where some of them may have arguments that cannot travel. */
#ifndef GILUA_POOL_FUTURES_SPLIT_H
#define GILUA_POOL_FUTURES_SPLIT_H

#include "pool/futures/backend.h"

/* A batch of calls on its way. */
typedef struct Split {
  Chunk chunk; /* its calls that are left; they begin behind `done` others */
  int done;
  int size;    /* of the next part, at most; 0: all */
} Split;

/* split_submit submits the first calls that are left, usually all; function and batch are on top of the stack and
 * stay. Pushes the Future and returns how many calls it is for. If they cannot be pickled, half of them is tried, so
 * that only the call fails whose own arguments cannot travel: its Future has failed. 0: the error and its traceback
 * are pushed, and concern every call, as a function that cannot travel does, or a closed executor. The executor is at
 * index i. Raises requests. */
int split_submit(lua_State *L, int i, Split *s);

#endif
