/* What the signal mask of a system thread is, and why: the one policy, for every thread that gilua makes.
 *
 * Helpers (nudger, writers, resolvers, …) run no code of others: they block everything but the faults.
 *
 * Threads that Lua starts run anybody's C code. Each has the mask of the thread that starts it, as everywhere, but
 *   faults               open, or the kernel would end the process without a word
 *   the preempting one   open
 *   service signals      (those that a terminal, a service manager, a timer or another program sends to the process: HUP INT
 *                        QUIT TERM ALRM USR1 USR2 CHLD TSTP TTIN TTOU WINCH IO) are blocked where somebody else's handler is
 *                        installed: it may expect the main thread, as lua.c's does. By default they end, stop or pass by
 *                        the whole process, whichever thread hears them, and our own handlers run anywhere: open, so that
 *                        a command that C code spawns in a thread (system, popen, posix_spawn: no fork handler runs there)
 *                        can be ended. The kernel gives a signal for the process to the main thread if that takes it.
 *                        Nothing is asked while all code in the process is ours (own_code_still): it has no such handler.
 *   all others           as they are: PIPE ends `gilua script | head`; PROF, VTALRM, PWR, XCPU and the realtime ones belong
 *                        to profilers, collectors and runtimes, which need them in each thread
 * A child that is forked gets back what was blocked here (signals_open in the fork handler; child.c for commands).
 */
#ifndef GILUA_RUNTIME_OS_SIGNALS_H
#define GILUA_RUNTIME_OS_SIGNALS_H

#include <signal.h>
#include <stdbool.h>

/* os_block_signals makes the mask of a helper: sig (0: none) and the faults are open; the old mask goes to *old if that is not
 * NULL. */
void os_block_signals(int sig, sigset_t *old);

/* os_unblock_signal lets the calling thread take sig. */
void os_unblock_signal(int sig);

/* signals_for_thread makes, for the moment, the mask of a thread that Lua starts; sig, unless 0, preempts, and is_ours tells our
 * own handlers; NULL: there can be no others, which saves a system call for each service signal. The old mask goes to *old, what
 * is blocked more than there to *blocked. Returns false if the mask stayed as it was. */
bool signals_for_thread(int sig, bool (*is_ours)(const struct sigaction *act), sigset_t *old, sigset_t *blocked);

/* signals_open takes those in `blocked` out of *mask. */
void signals_open(sigset_t *mask, const sigset_t *blocked);

#endif
