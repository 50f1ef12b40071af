/* A thread that bounds an end which another thread is in: it interrupts the main thread when the time for joining is over, and
 * may close the lock when that for cancelling is, too. */
#ifndef GILUA_RUNTIME_THREAD_CLOSER_H
#define GILUA_RUNTIME_THREAD_CLOSER_H

#include "runtime/state/tstate.h"

typedef struct Closer {
  Runtime *rt;           /* [i] */
  int64_t interrupt_at;  /* [i] */
  int64_t abandon_at;    /* [i] CLOCK_NEVER: the lock is left alone */
  pthread_t thread;      /* [i] */
  bool started;          /* [i] */
  pthread_mutex_t m;     /* guards over; taken before the mutexes of the lock */
  pthread_cond_t c;
  bool over;             /* [m] main is through */
} Closer;

/* closer_start starts the thread: it interrupts main at interrupt_at (ns, clock_ns), and from abandon_at on closes the lock as
 * soon as main does not have it; main then leaves by GilThread.shut_out. Without a thread to be had the end is not bounded.
 * Threads: main. Lock: does not matter. */
void closer_start(Closer *c, Runtime *rt, int64_t interrupt_at, int64_t abandon_at);

/* closer_end tells it that main is through, and joins it. Threads: main; with the lock it never waits for long. */
void closer_end(Closer *c);

#endif
