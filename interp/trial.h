/* Trials: runs of a program, each in a child process and under a schedule, of which the parent learns all.
 *
 * The parent is a program with one thread that has loaded what is to be run. A child writes its Trial, which both map; what
 * it prints goes to a file in memory.
 */
#ifndef GILUA_INTERP_TRIAL_H
#define GILUA_INTERP_TRIAL_H

#include <lua.h>
#include <sys/types.h>

#include "runtime/race/races.h"
#include "runtime/schedule/strategies.h"

enum { TRIAL_NAMES = 64, TRIAL_NAME_ROOM = 32, TRIAL_LINES = 4096, TRIAL_SOURCE_ROOM = 60, TRIAL_TURNS = 1 << 20,
       TRIAL_POINTS = 1 << 18, TRIAL_RACES = 16 };

/* A line that a thread came to; turn says in which of its turns. */
typedef struct TrialLine {
  uint64_t turn;
  uint32_t thread;
  int line;
  char source[TRIAL_SOURCE_ROOM];
} TrialLine;

/* How a trial ended. */
typedef enum Outcome {
  OUTCOME_GOOD,
  OUTCOME_ERROR,  /* exit status not 0, or an error in a thread that nobody caught */
  OUTCOME_DEADLOCK, /* that, and the error is one of the kind deadlock */
  OUTCOME_LIVELOCK, /* it took too many instructions */
  OUTCOME_DIED,   /* by a signal */
  OUTCOME_HANGS,  /* too long by the real clock */
  OUTCOME_RACE,   /* it went well, but a race was seen, and races were wanted */
} Outcome;

/* What parent and child share. The child writes, the parent reads when it has ended. */
typedef struct Trial {
  Schedule schedule;
  union {
    RandomStrategy random;
    PctStrategy pct;
    PosStrategy pos;
    GivenStrategy given;
  } strategy;
  bool threw;   /* an error in a thread was reported */
  bool deadlocked; /* one of the kind deadlock */
  bool stuck;   /* the schedule's limit was met */
  bool explain; /* the lines are wanted */
  struct Looking *looking; /* the child's own; NULL: nobody can tell which instructions others may notice */
  bool states;  /* Schedule.state is wanted */
  bool touches; /* Schedule.next is */
  bool races;   /* races are looked for */
  char unseen[48]; /* why they are not, or not to the end; "" */
  unsigned nraces;
  Race race[TRIAL_RACES]; /* those at other lines than all before */
  unsigned nlines;
  char names[TRIAL_NAMES][TRIAL_NAME_ROOM]; /* of threads, by number */
  TrialLine lines[TRIAL_LINES];
  Turn turns[TRIAL_TURNS]; /* only what is used takes memory */
  Point points[TRIAL_POINTS];
} Trial;

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
