/* What a child process tells of its run under a schedule: memory that it and its parent (job.h) share. */
#ifndef GILUA_INTERP_TRIAL_H
#define GILUA_INTERP_TRIAL_H

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

#endif
