/* The end of a runtime, in order: non-daemon threads are joined, the others cancelled and given a moment. */
#ifndef GILUA_RUNTIME_THREAD_SHUTDOWN_H
#define GILUA_RUNTIME_THREAD_SHUTDOWN_H

#include "runtime/state/tstate.h"

/* How long cancelled threads may take to unwind, unless the host says otherwise. */
#define SHUTDOWN_TIMEOUT_NS 1000000000

/* shutdown_join closes what asked for it (Runtime.at_exit), then waits for every thread that is no daemon, until the
 * deadline. Ctrl-C ends the wait. Returns whether nothing was left behind. Main thread only, with the lock. */
bool shutdown_join(lua_State *L, Runtime *rt, int64_t deadline);

/* shutdown_cancel starts closing: nothing new is started, every other thread is cancelled and has until timeout_ns to
 * end. Returns true if no other thread runs Lua any more; then the Lua state may be closed. Else some run native code or
 * refuse to end: the lock is closed, they never get it again, and the Lua heap must be left alone. */
bool shutdown_cancel(lua_State *L, Runtime *rt, int64_t timeout_ns);

/* shutdown_leave does the last: closes the lock, which main has, and leaves the heap alone. Returns false. */
bool shutdown_leave(Runtime *rt);

/* shutdown_detach makes what is left in the state independent of rt, which is about to be freed: RuntimeExit.detach. With
 * the lock, by the only thread that is left. */
void shutdown_detach(lua_State *L, Runtime *rt);

/* shutdown_survivor ends the process, as the end of the main program does: for a thread that became main in a forked child
 * and whose function has ended. With the lock. */
_Noreturn void shutdown_survivor(lua_State *L, Runtime *rt, int status);

#endif
