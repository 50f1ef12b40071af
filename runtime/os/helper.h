/* Threads of our own that run no Lua. */
#ifndef GILUA_RUNTIME_OS_HELPER_H
#define GILUA_RUNTIME_OS_HELPER_H

#include <pthread.h>
#include <stddef.h>

/* os_start_helper starts a thread that runs fn(arg) and gets no signals but faults: those are the program's. *thread becomes
 * it, for pthread_join; where thread is NULL nobody joins it. stack: bytes, 0 for the system's default. Returns 0 or an
 * errno. Does nothing to the lock; any thread. */
int os_start_helper(pthread_t *thread, size_t stack, void *(*fn)(void *arg), void *arg);

#endif
