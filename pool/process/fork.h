/* Making a zygote. With the interpreter lock, without Engine.m. */
#ifndef GILUA_POOL_PROCESS_FORK_H
#define GILUA_POOL_PROCESS_FORK_H

#include "pool/process/engine_state.h"

/* zygote_fork makes a zygote for e; 0 or an errno. Leaves the lock while it waits. spawn_zygote executes one. */
int zygote_fork(lua_State *L, Tstate *ts, Engine *e);
int spawn_zygote(lua_State *L, Engine *e, pid_t *pid);

#endif
