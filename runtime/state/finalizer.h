/* Is Lua running a finalizer? There the lock is never left: the collector stands still for everybody meanwhile, and any
 * allocation in C code could run one. Cost: a call; ask on slow paths only. */
#ifndef GILUA_RUNTIME_STATE_FINALIZER_H
#define GILUA_RUNTIME_STATE_FINALIZER_H

#include <lua.h>
#include <stdbool.h>

#include "runtime/state/tstate.h"

/* waits_forbidden tells whether ts must keep the lock, so that nothing waits and nothing is raised: it is inside a finalizer,
 * on a lua_State that another thread uses, too (running.h), or in a hook that interrupts another wait
 * (request_serve). While main is in the one finalizer that waits for the threads (sentinel.h) nobody can tell the
 * first, and all may. The one question that everybody asks who leaves the lock: park and blocking ask it; who only
 * lets others run calls lock_yield. */
bool waits_forbidden(const Tstate *ts);

/* lock_yield lets whoever is next have the lock for a turn, and takes REQUEST_SWITCH back. Returns false, with the lock kept,
 * if waits are forbidden now. Needs the lock, at a point where Lua's state is consistent. */
bool lock_yield(Tstate *ts);

#endif
