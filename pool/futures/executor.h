/* What executors share, for this folder; back ends use backend.h. */
#ifndef GILUA_POOL_FUTURES_EXECUTOR_H
#define GILUA_POOL_FUTURES_EXECUTOR_H

#include "pool/futures/backend.h"

/* executors_at_exit closes every executor, waits for their tasks, then for callbacks; when threads are joined, for callbacks
 * once more. Is RuntimeExit.run. */
bool executors_at_exit(lua_State *L, RuntimeExit *self, bool joined);

/* executors_detach is RuntimeExit.detach: lets go of every executor's tasks, then of the runtime. */
void executors_detach(lua_State *L, RuntimeExit *self, bool last);

/* executor_collect is the __gc of executors: what was submitted is done, nobody waits. */
int executor_collect(lua_State *L);

#endif
