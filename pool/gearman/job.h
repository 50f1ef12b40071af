/* A job: a task that was given to a JobClient, as bytes, until it is known what came of it.
 *
 *   state     in which list                         goes to
 *   QUEUED    JobClient.queue                       SENT, CANCELLED, FAILED (the client is broken or terminated)
 *   SENT      JobServer.jobs, and by_handle once    DONE, FAILED, CANCELLED, QUEUED (its server was lost, or refused
 *             it for now)
 *             the server has said its handle
 *   DONE FAILED CANCELLED    none                   (final)
 *
 * All transitions are made by job_move, under JobClient.m; `state` is read without it (acquire): what the final
 * states stand for was written before. Two references: the client's, until the job is final, and the Future's. Knows
 * no Lua.
 */
#ifndef GILUA_POOL_GEARMAN_JOB_H
#define GILUA_POOL_GEARMAN_JOB_H

#include "pool/gearman/wire.h"

typedef enum JobState { JOB_QUEUED, JOB_SENT, JOB_DONE, JOB_FAILED, JOB_CANCELLED } JobState;

/* Why a job failed without a result. */
typedef enum JobFailure {
  JOB_UNFAILED,
  JOB_WORKERS_DIED, /* the server gave it up: the workers that had it ended, or somebody cancelled it there */
  JOB_OVERDUE,      /* nothing was heard of it in time */
  JOB_REFUSED,      /* by the server; text says why */
  JOB_FOREIGN,      /* a worker that is none of ours reported an exception; text */
  JOB_LOST,         /* too many servers were lost while they had it */
  JOB_BROKEN,       /* the client cannot work any more */
  JOB_MEMORY        /* no memory here for the result */
} JobFailure;

enum {
  JOB_TEXT = 200,
  JOB_UNIQUE = 48,
  JOB_HANDLE = 96,
  JOB_MOST_LOSSES = 50 /* it may be what ends the servers */
};

typedef struct JobClient JobClient;
typedef struct JobServer JobServer;

typedef struct Job {
  struct Job *next, *prev;  /* [m] of its list */
  struct Job *same;         /* [m] next in its bucket of by_handle */
  JobClient *client;        /* [i] */
  JobServer *server;        /* [m] SENT: where it is */
  _Atomic unsigned refs;    /* [a] relaxed up, acq_rel down */
  _Atomic JobState state;   /* [a] see above */
  uint64_t number;          /* [i] from 1, in order of submission */
  char unique[JOB_UNIQUE];  /* [i] its name for servers, workers and its own code: of no other task ever */
  Payload *payload;         /* [m] the whole packet that submits it; NULL once it is final */
  char handle[JOB_HANDLE];  /* [m] SENT: the server's name of it; empty: not told yet */
  unsigned losses;          /* [m] servers that were lost while they had it */
  int64_t look_at;          /* [m] SENT: when to ask whether a worker has begun it; CLOCK_NEVER: not to ask */
  int64_t began_at;         /* [m] SENT: since when it is known that one has; 0: it is not known */
  int64_t asked_at;         /* [m] when client_running asked last */
  Taken result;             /* [m] until it is final, then [i]: what the worker sent */
  JobFailure failure;       /* [m] until it is final, then [i] */
  char text[JOB_TEXT];      /* [m] until it is final, then [i] */
  struct JobWait *waiters;  /* [m] threads that wait for it */
  void *watcher;            /* [m] told when it is final: client_watch */
  uint32_t name;            /* [G] of recordings: trace_function; 0: none */
  int64_t began_ns, ended_ns; /* [m] until it is final, then [i]: the call as recordings show it, CLOCK_MONOTONIC here;
                                 began_ns is 0 if no worker has told how long it took */
} Job;

/* A list of jobs. */
typedef struct JobList {
  Job *first, *last;
  unsigned n;
} JobList;

/* job_move makes a transition; asserts that there is one. */
void job_move(Job *j, JobState to);

/* job_decided tells whether the state is final. Any thread. */
static inline bool job_decided(const Job *j) {
  return atomic_load_explicit(&j->state, memory_order_acquire) >= JOB_DONE;
}

/* jobs_append puts j behind the last, jobs_prepend before the first; jobs_remove takes it out. */
void jobs_append(JobList *list, Job *j);
void jobs_prepend(JobList *list, Job *j);
void jobs_remove(JobList *list, Job *j);

/* job_drop gives up a reference; true: it was the last, and j is freed. */
bool job_drop(Job *j);

#endif
