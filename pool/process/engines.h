/* All engines of a runtime, from when they are made until they are released. Every function needs the lock.
 *
 *   OWNED      an executor or a Process asks it for things        -> LET GO  engines_let_go
 *   LET GO     it does what was submitted, which may be strings of the Lua heap, and ends   -> released when it has ended
 *
 * The program waits at its end for those that have not ended; the finalizer of the list, which runs after those of owners,
 * ends what an exit did not wait for. In a forked child the engines of the parent stay listed and are passed over.
 */
#ifndef GILUA_POOL_PROCESS_ENGINES_H
#define GILUA_POOL_PROCESS_ENGINES_H

#include "pool/futures/backend.h"
#include "pool/process/engine.h"

/* Whom an engine works for; it lives until it has let go of the engine. */
struct EngineOwner {
  void (*ended)(lua_State *L, EngineOwner *self); /* told once that it has ended: lets go of it, raises nothing; or NULL */
  bool daemon;                                    /* [G] the program's end does not wait for it, but ends it */
};

/* engines_open makes the list of the runtime of L, or has the end of the runtime know of the one that is there. In a state that
 * somebody else closes the end is a finalizer, which must be newer than a Process: so it is called before each start. */
void engines_open(lua_State *L);

/* engines_life is what tells how long the runtime is there; it lives as long as the Lua state. */
const RuntimeExit *engines_life(lua_State *L);

/* engines_add lists an engine that was made. */
void engines_add(lua_State *L, Engine *e, EngineOwner *owner);

/* engines_let_go closes it; nobody asks it for anything any more. */
void engines_let_go(lua_State *L, Engine *e);

/* engines_sweep tells owners of engines that have ended, and releases those that were let go and have. Raises nothing. Who
 * makes an engine calls it first, so that any number of them in a row leaves nothing behind. */
void engines_sweep(lua_State *L);

/* engine_count fills in the counters of an engine. */
void engine_count(Engine *engine, PoolCounters *out);

#endif
