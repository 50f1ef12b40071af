/* The state of a client (client.h), which every file of it works on; below all of them.
 *
 * Lock order: interpreter lock -> JobClient.m -> FutureService.m (client_watch). No Lua under m, and nothing under it
 * blocks. In a forked child the client is of another process (client_foreign), and nothing touches m.
 */
#ifndef GILUA_POOL_GEARMAN_CLIENT_STATE_H
#define GILUA_POOL_GEARMAN_CLIENT_STATE_H

#include <pthread.h>

#include "pool/gearman/job.h"
#include "pool/gearman/token.h"
#include "runtime/sync/park.h"

enum {
  CLIENT_QUEUE = 128,     /* bytes of a queue's name */
  CLIENT_BUCKETS = 1024,  /* of by_handle */
  CLIENT_LOST = 256,      /* connections that were given up while somebody polled them */
  CLIENT_ROWS = 256       /* processes of workers whose last task is remembered */
};

typedef struct ClientOptions {
  char queue[CLIENT_QUEUE];
  unsigned in_flight;      /* jobs that one server has at most */
  unsigned max_pending;    /* submit waits while so many are undecided, 0: it never waits */
  uint32_t retries;        /* how often a task whose process died is tried again */
  size_t most;             /* bytes of a payload */
  int64_t task_timeout_ns; /* 0: none */
  int64_t heartbeat_ns;    /* a server with jobs that was silent so long is asked; as long again, it is lost */
  int64_t give_up_ns;      /* no server for so long, with jobs pending: the client is broken */
} ClientOptions;

typedef enum ServerState { SERVER_DOWN, SERVER_GREETING, SERVER_LIVE } ServerState;

/* One server. All under m but for what is [i], and `dialling`. */
struct JobServer {
  char host[WIRE_HOST], port[WIRE_PORT]; /* [i] */
  ServerState state;
  Wire wire;
  JobList jobs;                 /* SENT, the oldest first */
  Job *created;                 /* the first of them whose handle is not told; NULL: all are */
  Job *by_handle[CLIENT_BUCKETS];
  int64_t heard_at;             /* when something came from it last */
  int64_t asked_at;             /* an echo was asked for then and is not answered; 0: none is */
  int64_t look_at;              /* no job's is before that */
  int64_t retry_at, backoff_ns; /* DOWN: when to connect again, and how long it waits after the next failure */
  bool tried;                   /* a connection was tried: it is live, or `why` says something */
  char why[WIRE_WHY];           /* DOWN: why it was lost, or is not reached */
  uint64_t done;                /* jobs */
  int64_t busy_ns;              /* workers had them */
};

/* A thread that waits, on its own stack; under m but for stop and word. */
typedef struct JobWait {
  struct JobWait *next, *prev; /* JobClient.waits */
  struct JobWait *same;        /* next that waits for the same job */
  Job *job;                    /* NULL: waits for something else */
  bool (*ready)(JobClient *c, struct JobWait *w);
  int64_t deadline;
  bool leads, polls;           /* it is the leader; and sleeps in poll */
  _Atomic bool stop;           /* [a] a request came; seq_cst */
  _Atomic uint32_t word;       /* [a] the follower's futex: 1 is "look again" */
} JobWait;

typedef enum ClientState { CLIENT_OPEN, CLIENT_CLOSING, CLIENT_ENDED } ClientState;

struct JobClient {
  ClientOptions options; /* [i] */
  Token token;           /* [i] */
  char id[24];           /* [i] the head of every unique: random */
  unsigned forks;        /* [i] at_fork_count of the process whose client this is */
  _Atomic unsigned refs; /* [a] executor, helper thread, jobs; the last frees */
  void (*decided)(Job *j); /* [i] called for a job with a watcher, under m */

  pthread_mutex_t m;  /* guards [m] */
  ClientState state;  /* [m] */
  bool broken;        /* [m] */
  bool cancels;       /* [m] what is not begun: client_close */
  char why[512];      /* [m] until it is broken, then [i] */
  uint64_t activity;  /* [m] counts what threads of the program did */
  int64_t alone_since; /* [m] no server is live since then; 0: one is */
  JobServer *servers; /* [m] */
  unsigned nservers;  /* [i] */
  unsigned turn;      /* [m] where the search for a server begins */

  JobList queue;      /* [m] in the order in which they are to be sent */
  unsigned pending;   /* [m] undecided jobs */
  unsigned most_queued; /* [m] */
  uint64_t last_number; /* [m] */
  uint64_t submitted; /* [m] jobs */

  struct { /* [m] threads of the program */
    JobWait *first, *leader;
    unsigned conditions; /* those that wait for no job */
    unsigned pollers;    /* threads in poll: the leader, the helper */
  } waits;

  struct { /* [m] by pid, one for those that fall together */
    uint32_t pid;
    int64_t ended_ns;
  } rows[CLIENT_ROWS];

  int event;          /* [i] what wakes who sleeps in poll */
  int lost[CLIENT_LOST]; /* [m] to be closed when nobody polls them */
  unsigned nlost;     /* [m] */

  struct {
    bool exists;           /* [m] the thread is there */
    bool sleeps;           /* [m] in poll, as nothing is pending */
    bool lazy;             /* [m] the leader has been there for a while: it naps long */
    _Atomic uint32_t word; /* [a] its futex */
  } helper;

  int max_workers;    /* [i] of the executor: as it says */
  char name[48];      /* [G] of the pool; empty until the executor is made */
  bool uncounted;     /* [G] its executor was collected while jobs were pending */
  JobClient *next;    /* [G] clients.c: let go, and not ended */
};

#endif
