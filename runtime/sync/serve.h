/* Serving signals that Lua hears: handlers are called, and waits for signals end. All on the main thread, at a VM
 * instruction of Lua code or amid one of its waits. */
#ifndef GILUA_RUNTIME_SYNC_SERVE_H
#define GILUA_RUNTIME_SYNC_SERVE_H

#include "runtime/state/hear.h"

/* The registry has the handlers here: number -> function. */
#define SERVE_HANDLERS "gilua.signals"

/* serve_signals serves all that came; what a handler raises is kept for request_raise, and what came behind it waits
 * until that is raised. Is Runtime.serve_signals. L: where it stands on its Lua stack. Needs LUA_MINSTACK places on L.
 * */
void serve_signals(lua_State *L, Tstate *ts);

/* serve_bit is the bit of sig in the mask of a Hearing.takers waiter. */
static inline uint64_t serve_bit(int sig) { return (uint64_t)1 << (sig - 1); }

#endif
