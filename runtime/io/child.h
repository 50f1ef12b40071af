/* Children: commands that a shell runs, started without touching what this process does with signals, and waited for
 * without the interpreter lock. */
#ifndef GILUA_RUNTIME_IO_CHILD_H
#define GILUA_RUNTIME_IO_CHILD_H

#include <lua.h>

#include "runtime/sync/park.h"

/* child_start runs `command` in /bin/sh; descriptor `given` of this process, unless it is negative, becomes its descriptor
 * `as`. The child has the signal mask of the main thread's kind (threads that gilua starts block nearly everything) and the
 * default for every signal that this process handles. Returns 0 or an errno. Keeps the lock. */
int child_start(const Tstate *ts, const char *command, int given, int as, pid_t *pid);

/* child_wait waits until pid has ended and reaps it: *status as of waitpid. PARK_GRANTED: done, *err is 0, or why waitpid
 * failed. Else it goes on, and is the caller's. Drops the lock meanwhile. In a finalizer that is PARK_FORBIDDEN unless
 * the child has ended. */
ParkResult child_wait(Tstate *ts, pid_t pid, int *status, int *err);

/* child_abandon leaves pid to be reaped when it has ended, by a later call; child_reap_abandoned does that. May raise
 * memory errors. */
void child_abandon(lua_State *L, pid_t pid);
void child_reap_abandoned(lua_State *L);

#endif
