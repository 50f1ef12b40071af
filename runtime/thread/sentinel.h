/* The end of a state that somebody else closes (an attached one): nothing of ours runs between the end of the script and
 * lua_close but finalizers, newest first. A sentinel is an object whose finalizer waits for the threads; a new one is made
 * at each thread start and for each task, so that what existed then outlives them. The oldest frees the runtime.
 */
#ifndef GILUA_RUNTIME_THREAD_SENTINEL_H
#define GILUA_RUNTIME_THREAD_SENTINEL_H

#include "runtime/state/tstate.h"

/* sentinel_new makes one and anchors it. Needs the lock. Raises memory errors. */
void sentinel_new(lua_State *L);

/* sentinel_root makes the one that calls end(rt, clean) when the state goes: every other thread has ended if clean. */
void sentinel_root(lua_State *L, void (*end)(Runtime *rt, bool clean));

#endif
