/* What a fork of the process does to its runtimes: the child finds every lock of gilua usable. */
#ifndef GILUA_RUNTIME_STATE_AT_FORK_H
#define GILUA_RUNTIME_STATE_AT_FORK_H

#include "runtime/state/runtime.h"

/* at_fork_install, with the lock of the list of runtimes, has fork call us from now on. Returns 0 or an errno. */
int at_fork_install(void);

/* at_fork_count is how many forks lie between the first runtime of the program and this process: it tells a child from its
 * parent as getpid does, without a system call. */
unsigned at_fork_count(void);

/* at_fork_add_lock has fork take l->m from now on; at_fork_remove_lock ends that. */
void at_fork_add_lock(Runtime *rt, ForkLock *l);
void at_fork_remove_lock(Runtime *rt, ForkLock *l);

#endif
