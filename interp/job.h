/* Trials: runs of a program, each in a child process and under a schedule, of which the parent learns all.
 *
 * The parent is a program with one thread that has loaded what is to be run. A child writes its Trial (trial.h), which both map; what
 * it prints goes to a file in memory.
 */
#ifndef GILUA_INTERP_JOB_H
#define GILUA_INTERP_JOB_H

#include <lua.h>
#include <sys/types.h>

#include "interp/trial.h"

/* One place for trials: what it needs is kept from one to the next. */
typedef struct Job {
  Trial *trial;
  int out;      /* the file for what the child prints */
  bool races;   /* [i] a race is a failure */
  pid_t pid;    /* 0: none runs */
  int pidfd;    /* -1: none */
  int64_t until; /* real ns; then it hangs, unless it has run on: */
  uint64_t steps; /* instructions when that was looked at last */
  uint64_t run; /* the caller's number for it */
  Outcome outcome; /* of the last one */
  int status;   /* its exit status, or the signal */
} Job;

/* What every trial of one search does. */
typedef struct TrialProgram {
  int (*run)(lua_State *L, void *data); /* in the child; returns the exit status; may raise */
  void *data;
} TrialProgram;

/* job_open makes room for trials, in which a race is a failure or is not looked for; 0 or an errno. job_close ends one that runs, too. */
int job_open(Job *job, bool races);
void job_close(Job *job);

/* job_reset readies job->trial for the next one, which may look for races without that they make it fail; its schedule is set then, by a strategy's begin, and limit perhaps. */
void job_reset(Job *job);

/* job_start forks a child that runs the program. 0 or an errno. L's thread is main and has the lock; no other thread is there. */
int job_start(lua_State *L, Job *job, const TrialProgram *program, uint64_t seed);

/* job_wait waits until one of n jobs has ended, and returns it; NULL on a signal: look at the requests. None runs: NULL. */
Job *job_wait(Job *jobs, unsigned n);

/* job_kill ends what job runs. */
void job_kill(Job *job);

/* job_text is the end of what the last child printed, where errors are told: at most n - 1 bytes, behind a line "…" if
 * there is more. n > 8. */
void job_text(const Job *job, char *text, size_t n);

#endif
