/* What every thread does now: for gil.dump, for SIGQUIT, for a debugger's user.
 *
 * The threads are not asked. The one that has the lock reads their states, which stand still meanwhile: read-only debug
 * calls, no allocation in Lua, nothing that can fail but the file.
 */
#ifndef GILUA_RUNTIME_TRACE_DUMP_H
#define GILUA_RUNTIME_TRACE_DUMP_H

#include <stdio.h>

#include "runtime/state/tstate.h"

/* dump_print writes to out, for each thread: what it does, how long, for what it waits and who has that, the locks that
 * it holds, its Lua traceback. Needs the lock. */
void dump_print(FILE *out, const Runtime *rt);

/* dump_on_sigquit makes SIGQUIT write a dump to stderr; one runtime of the process at a time. A thread of its own waits for
 * the signal, so that it is served when all others are blocked, too; it needs the lock, so a native call that keeps the
 * lock delays it. A second SIGQUIT before the first was served ends the process. Returns 0 or an errno. Needs the lock. */
int dump_on_sigquit(Runtime *rt);

/* dump_stop ends that thread. Called by the main thread with the lock, which it leaves meanwhile. */
void dump_stop(Runtime *rt);

#endif
