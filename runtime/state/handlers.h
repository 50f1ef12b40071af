/* Our handlers of signals, and whom they pass on what is not ours to. */
#ifndef GILUA_RUNTIME_STATE_HANDLERS_H
#define GILUA_RUNTIME_STATE_HANDLERS_H

#include <signal.h>
#include <stdbool.h>

#include "runtime/state/runtime.h"

struct termios;

/* handlers_preempt, with the lock of the list of runtimes, puts the handler that asks for the interpreter lock in front of
 * whose is there. Returns 0 or an errno. */
int handlers_preempt(int sig);

/* handlers_is_ours tells whether act is one of ours; they run on any thread. */
bool handlers_is_ours(const struct sigaction *act);

/* handlers_unheard puts our handler before that of a library that has taken the signal since; one that does so again and
 * again becomes Runtime.taker. Is Gil.unheard. */
void handlers_unheard(Gil *g);

/* The signal that asks a thread to look at its requests: harmless by default, and the one that Go uses for this job. */
#define PREEMPT_SIGNUM SIGURG

/* handlers_take_sigint makes Ctrl-C interrupt rt's main thread, and a second one within a second end the process. It
 * holds for one runtime at a time; NULL puts the old handler back. */
void handlers_take_sigint(Runtime *rt);

/* handlers_release_sigint puts the old handler back if ours is there for rt. */
void handlers_release_sigint(Runtime *rt);

/* handlers_interrupt_served says that the last Ctrl-C has done what it was meant for: another one soon is a first one. */
void handlers_interrupt_served(void);

/* handlers_hear says that Lua of rt hears signals; for one runtime of the process at a time. Returns 0 or EBUSY.
 * handlers_unhear takes it back. handlers_hear_signal installs the handler of hear.h for sig; returns 0, or -1 with
 * errno. */
int handlers_hear(Runtime *rt);
void handlers_unhear(Runtime *rt);
int handlers_hear_signal(int sig);

/* handlers_take_sigquit has ask(arg) called for a SIGQUIT, in the signal handler; if it returns false the signal does what
 * it does by default. ask NULL puts the old handler back. */
void handlers_take_sigquit(bool (*ask)(void *arg), void *arg);

/* handlers_keep_terminal has the terminal of standard input put into these modes when the process goes on after a stop: the
 * shell has changed them. NULL ends that. */
void handlers_keep_terminal(const struct termios *modes);

/* handlers_interrupt interrupts rt's main thread wherever it is. Safe in a signal handler, from any thread.
 * handlers_interrupt_thread does it to a thread of which the caller knows that it stays. */
void handlers_interrupt(Runtime *rt);
void handlers_interrupt_thread(Tstate *ts);

#endif
