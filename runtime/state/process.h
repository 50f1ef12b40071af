/* The list of runtimes of a process, and what ends with its threads. */
#ifndef GILUA_RUNTIME_STATE_PROCESS_H
#define GILUA_RUNTIME_STATE_PROCESS_H

#include "runtime/state/runtime.h"

/* process_watch_thread lets the calling thread's visits end with it. Returns 0 or an errno. */
int process_watch_thread(void);

/* process_set_error keeps a copy of text for the calling thread, until its next; process_error is that text, or "". */
void process_set_error(const char *text);
const char *process_error(void);

/* process_add lists rt; with the first runtime that preempts by signal it installs the handler of PREEMPT_SIGNUM, with
 * the first runtime at all the fork handlers. Returns 0 or an errno. process_remove takes rt off the list. */
int process_add(Runtime *rt);
void process_remove(Runtime *rt);

#endif
