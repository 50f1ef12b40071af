/* A parent and a worker in one process: two Lua states and the two ends of a link between them. */
#ifndef GILUA_TESTS_POOL_PICKLE_HOST_H
#define GILUA_TESTS_POOL_PICKLE_HOST_H

#include <lua.h>

#include "pool/pickle/pickle.h"

typedef struct Host {
  lua_State *parent, *worker;
  PickleLink *here, *there;
} Host;

/* host_open makes both states with the standard libraries, runs `names` in both, and then makes the link. Aborts on any
 * failure. host_close frees all. */
void host_open(Host *h, const char *names, unsigned options);
void host_close(Host *h);

/* host_fork does what a fork does for a link that is there: both ends have the same objects by the same numbers. */
void host_fork(Host *h);

/* host_run runs a chunk and leaves its results on the stack of L; returns how many. */
int host_run(lua_State *L, const char *chunk);

/* host_send dumps the n values on top of the parent's stack, pops them, tells the worker what it lacks, and loads them
 * there. The caller frees the message. Returns LUA_OK, or the status of the error that is on top of the state where it
 * happened. host_return sends the n values on top of the worker's stack back. */
int host_send(Host *h, int n, PickleMessage *m);
int host_return(Host *h, int n, const PickleMessage *task, unsigned flags);

#endif
