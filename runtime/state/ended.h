/* The counters of threads that have ended, so that statistics at the end of a program have them: the newest one by one, the
 * others together. */
#ifndef GILUA_RUNTIME_STATE_ENDED_H
#define GILUA_RUNTIME_STATE_ENDED_H

#include "runtime/state/traceback.h"
#include "runtime/state/tstate.h"

enum { ENDED_KEPT = 100 };

/* One thread's, or several threads' counters; times are ticks. */
typedef struct EndedThread {
  char name[64];
  lua_Integer ident; /* 0: several */
  uint64_t acquisitions, held, waited, forced, longest;
  char longest_at[TRACEBACK_WHERE_SIZE];
} EndedThread;

/* Runtime.ended; every field [G]. */
typedef struct EndedThreads {
  uint64_t n;                     /* threads that have ended */
  EndedThread newest[ENDED_KEPT]; /* thread number i is at i modulo ENDED_KEPT */
  EndedThread others;             /* those before, summed up; the longest of their holds */
} EndedThreads;

/* ended_note keeps the counters of ts, which is about to end; without memory they are lost. Needs the lock. */
void ended_note(const Tstate *ts, const char *name);

#endif
