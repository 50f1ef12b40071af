/* A call back into a runtime that the calling thread is inside of already: from a region of native work, or past
 * another runtime. A thread has one lock at a time, so what it came from is left meanwhile.
 */
#ifndef GILUA_RUNTIME_THREAD_REENTRY_H
#define GILUA_RUNTIME_THREAD_REENTRY_H

#include "runtime/state/door.h"

/* reentry_step_out leaves the lock of the runtime that the calling thread is in now, if any, and returns whose;
 * reentry_step_back takes that back, if there is one. */
Tstate *reentry_step_out(void);
void reentry_step_back(Tstate *left);

/* reentry_begin takes the lock of v, whose thread calls, and pushes a Reentry that reentry_end undoes. Returns as
 * visit_enter does. Blocks until its turn. */
int reentry_begin(Visit *v, lua_State **L);
void reentry_end(Visit *v);

#endif
