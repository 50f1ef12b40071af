/* How the process of a worker ends. */
#ifndef GILUA_POOL_PROCESS_LEAVE_H
#define GILUA_POOL_PROCESS_LEAVE_H

#include "runtime/state/runtime.h"

/* worker_leave ends a Process as a program ends: executors do what was submitted, threads that are no daemons are joined, its
 * own processes waited for, daemons cancelled, streams flushed. But what came along with the fork is the parent's: there
 * are no finalizers and no atexit handlers. With the lock; L has room. */
_Noreturn void worker_leave(lua_State *L, Runtime *rt, int status);

#endif
