/* The registry of executors: every one that is not released, and what is counted for all of them. Needs the lock. */
#ifndef GILUA_POOL_FUTURES_REGISTRY_H
#define GILUA_POOL_FUTURES_REGISTRY_H

#include "pool/futures/backend.h"

typedef struct ExecutorRegistry {
  RuntimeExit at_exit;   /* [G] its rt is the runtime; see end.h */
  Executor *executors;   /* [G] the newest first; a user value keeps them, another leads to the objects, weakly */
  unsigned count;        /* [G] of them */
  unsigned look_at;      /* [G] with so many, those whose finalizer was lost are looked for: that walks through all */
  bool ending;           /* [G] the main script has ended: no new executors, no new tasks */
  lua_Integer pools;     /* [G] number of the next default name of a pool */
  EndedPools ended_pools; /* [G] */
} ExecutorRegistry;

/* registry_of returns that of the state, or NULL: none was made. registry_open the same, made if need be; adds itself to what
 * L's runtime does at its end, by those two functions. */
ExecutorRegistry *registry_of(lua_State *L);
ExecutorRegistry *registry_open(lua_State *L, bool (*run)(lua_State *, RuntimeExit *, bool),
                                void (*detach)(lua_State *, RuntimeExit *, bool));

/* registry_add lists e, whose object is on top of the stack; raises memory errors. registry_remove takes e off: who has the object
 * keeps it still. registry_lost returns one whose object was freed without its finalizer, or NULL; without stack space NULL. These
 * two raise nothing. */
void registry_add(lua_State *L, ExecutorRegistry *r, Executor *e);
void registry_remove(lua_State *L, ExecutorRegistry *r, Executor *e);
Executor *registry_lost(lua_State *L, ExecutorRegistry *r);

#endif
