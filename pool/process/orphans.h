/* Engines that nobody asks any more: their executor was collected, their process has ended. All with the lock. */
#ifndef GILUA_POOL_PROCESS_ORPHANS_H
#define GILUA_POOL_PROCESS_ORPHANS_H

#include "pool/futures/backend.h"
#include "pool/process/engine.h"

/* orphans_open makes the list of the runtime of L, unless it is there. */
void orphans_open(lua_State *L);

/* orphans_life is what tells how long the runtime is there; it lives as long as the Lua state. */
const RuntimeExit *orphans_life(lua_State *L);

/* orphans_adopt takes a closed engine: it does what was submitted, and is released with its link when it has ended. */
void orphans_adopt(lua_State *L, Engine *engine);

/* orphans_forget_ended releases those that have ended. */
void orphans_forget_ended(lua_State *L);

/* engine_count fills in the counters of an engine. */
void engine_count(Engine *engine, PoolCounters *out);

#endif
