/* Is Lua running a finalizer? There the lock is never left: the collector stands still for everybody meanwhile, and any
 * allocation in C code could run one. Cost: a call; ask on slow paths only. */
#ifndef GILUA_RUNTIME_THREAD_FINALIZER_H
#define GILUA_RUNTIME_THREAD_FINALIZER_H

#include <lua.h>
#include <stdbool.h>

#include "runtime/thread/tstate.h"

/* in_finalizer tells whether L, a running coroutine, is inside a __gc metamethod. */
bool in_finalizer(lua_State *L);

/* waits_forbidden tells whether ts is inside a finalizer, where nothing waits and nothing is raised. While main is in the one
 * finalizer that waits for the threads (sentinel.h) nobody can tell, and all may. */
bool waits_forbidden(const Tstate *ts);

#endif
