/* What else gilua asks of the system: thread ids, signals to a thread, names, processors. A port replaces this folder. */
#ifndef GILUA_RUNTIME_OS_OS_H
#define GILUA_RUNTIME_OS_OS_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

#include "runtime/os/signals.h"

/* os_tid is the system's id of the calling thread (what `top -H` shows). */
pid_t os_tid(void);

/* os_signal_thread sends sig to thread tid of process pid. A thread that has ended, or an id that was given away in
 * another process, gets nothing. Keeps errno. Safe in a signal handler. */
void os_signal_thread(pid_t pid, pid_t tid, int sig);

/* os_name_thread names the calling thread for the system, cut to 15 bytes at a character's end. */
void os_name_thread(const char *name);

/* os_event_new makes an eventfd (not inherited by programs that are executed); -1 without one. os_event_signal makes it
 * readable, os_event_clear not so. Both are safe in a signal handler and keep errno. */
int os_event_new(void);
void os_event_signal(int fd);
void os_event_clear(int fd);

/* os_cpus is how many processors this process may use now (its affinity), at least 1. */
int os_cpus(void);

/* os_sharp_timers lets timed sleeps of the calling thread end when they should, not up to 50 us later. */
void os_sharp_timers(void);

/* os_pause tells the processor that this is a loop that waits. */
static inline void os_pause(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

#endif
