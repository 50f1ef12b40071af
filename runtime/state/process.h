/* What exists once in a process: the list of runtimes, the signal handlers, the fork handlers. */
#ifndef GILUA_RUNTIME_STATE_PROCESS_H
#define GILUA_RUNTIME_STATE_PROCESS_H

#include <signal.h>
#include <stdbool.h>

#include "runtime/state/runtime.h"

struct gilua_Runtime;
struct termios;

/* process_new_door makes a door (visit.h), closed, with a serial of its own; NULL without memory. process_end_door takes it
 * back: it stays readable, so that late visitors learn that they are late, and is used again after many others. */
struct gilua_Runtime *process_new_door(void);
void process_end_door(struct gilua_Runtime *door);

/* process_watch_thread lets the calling thread's visits end with it. Returns 0 or an errno. */
int process_watch_thread(void);

/* process_set_error keeps a copy of text for the calling thread, until its next; process_error is that text, or "". */
void process_set_error(const char *text);
const char *process_error(void);

/* process_use_module notes that the module, safe in one runtime of a process only, is used behind door. Returns 0, EBUSY
 * if another runtime uses it, or ENOMEM. */
int process_use_module(struct gilua_Runtime *door, const char *name);

/* process_forks is how many forks lie between the first runtime of the program and this process: it tells a child from its
 * parent as getpid does, without a system call. */
unsigned process_forks(void);

/* process_all_ours says that all code in this process is ours and the C library's, as when the program starts;
 * process_calls_others that Lua may call functions of other code from now on without loading it. process_is_ours tells
 * whether it is all ours still: nobody else can have installed a handler of a signal. */
void process_all_ours(void);
void process_calls_others(void);
bool process_is_ours(void);

/* process_is_handler tells whether act is one of ours; they run on any thread. */
bool process_is_handler(const struct sigaction *act);

/* process_unheard puts our handler before that of a library that has taken the signal since; one that does so again and again
 * becomes Runtime.taker. Is Gil.unheard. */
void process_unheard(Gil *g);

/* process_add lists rt; with the first runtime that preempts by signal it installs the handler of PREEMPT_SIGNUM, with
 * the first runtime at all the fork handlers. Returns 0 or an errno. process_remove takes rt off the list. */
int process_add(Runtime *rt);
void process_remove(Runtime *rt);

/* process_add_fork_lock has fork take l->m from now on; process_remove_fork_lock ends that. */
void process_add_fork_lock(Runtime *rt, ForkLock *l);
void process_remove_fork_lock(Runtime *rt, ForkLock *l);

/* The signal that asks a thread to look at its requests: harmless by default, and the one that Go uses for this job. */
#define PREEMPT_SIGNUM SIGURG

/* process_handle_sigint makes Ctrl-C interrupt rt's main thread, and a second one within a second end the process. It
 * holds for one runtime at a time; NULL puts the old handler back. */
void process_handle_sigint(Runtime *rt);

/* process_release_sigint puts the old handler back if ours is there for rt. */
void process_release_sigint(Runtime *rt);

/* process_interrupt_taken says that the last Ctrl-C has done what it was meant for: another one soon is a first one. */
void process_interrupt_taken(void);

/* process_hear says that Lua of rt hears signals; for one runtime of the process at a time. Returns 0 or EBUSY.
 * process_unhear takes it back. process_hear_signal installs the handler of hear.h for sig; returns 0, or -1 with errno. */
int process_hear(Runtime *rt);
void process_unhear(Runtime *rt);
int process_hear_signal(int sig);

/* process_handle_sigquit has ask(arg) called for a SIGQUIT, in the signal handler; if it returns false the signal does what
 * it does by default. ask NULL puts the old handler back. */
void process_handle_sigquit(bool (*ask)(void *arg), void *arg);

/* process_keep_terminal has the terminal of standard input put into these modes when the process goes on after a stop: the
 * shell has changed them. NULL ends that. */
void process_keep_terminal(const struct termios *modes);

/* process_interrupt interrupts rt's main thread wherever it is. Safe in a signal handler, from any thread.
 * process_interrupt_thread does it to a thread of which the caller knows that it stays. */
void process_interrupt(Runtime *rt);
void process_interrupt_thread(Tstate *ts);

#endif
