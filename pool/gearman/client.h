/* A client of job servers: takes jobs as bytes, spreads them over the servers, keeps what came of them. It knows no
 * Lua values.
 *
 * Threads. client_new, client_submit and client_cancel are called with the interpreter lock, but do not need it. The
 * sockets are served under JobClient.m by whoever waits: a thread that waits for a result becomes the leader, sleeps
 * in poll on all connections and reads what comes; others that wait sleep on futexes, and the leader that leaves
 * makes one of them the next. While nobody waits the helper stands in, a thread of the client, which alone makes
 * connections. So a round trip has no hop. Source of the idea: leader/followers (Schmidt et al.), as in pool/process.
 *
 *   Client    OPEN -> CLOSING    client_close, client_terminate: no more jobs come
 *             CLOSING -> ENDED   nothing is pending any more; the helper hangs up and goes
 *             broken             beside these, for good: no server was there for so long; all pending jobs have failed
 *   Server    DOWN -> GREETING   the helper has connected it
 *             GREETING -> LIVE   it has answered an echo: it is awake
 *             GREETING, LIVE -> DOWN   it hung up, sent nonsense, or was silent too long; its jobs go back to the front
 *
 * A job that was SENT when its server was lost is sent again: a task may be done more than once. Its unique stays the
 * same.
 *
 * Lock order: interpreter lock -> JobClient.m -> FutureService.m (client_watch). No Lua under m, and nothing under it
 * blocks. In a forked child the client is of another process (client_foreign), and nothing here touches m.
 *
 * Files, each above those that follow: client.c, helper.c, client_wait.c (the leader), server.c, jobs.c (deciding),
 * job.c, wire.c.
 */
#ifndef GILUA_POOL_GEARMAN_CLIENT_H
#define GILUA_POOL_GEARMAN_CLIENT_H

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

/* client_new makes a client of the servers ("host:port", n of them, at most WIRE_MOST_SERVERS, their texts copied);
 * NULL with errno, EINVAL: a server that is none. */
JobClient *client_new(const ClientOptions *options, const char *const *servers, unsigned n, void (*decided)(Job *j));

/* client_start starts the helper. Returns 0 or an errno. */
int client_start(JobClient *c);

/* client_submit queues a job; the payload, the whole packet, becomes its own; unique, of fewer than JOB_UNIQUE bytes,
 * is copied. NULL without memory. The caller owns a reference. */
Job *client_submit(JobClient *c, const char *unique, uint64_t number, Payload *payload);

/* client_number gives the number of the next job. */
uint64_t client_number(JobClient *c);

/* client_cancel: true if the job will have no result: no worker begins it from now on, and what one that has begun it
 * gives is not heard. */
bool client_cancel(Job *j);

/* client_running tells whether a worker is known to have begun j, and asks its server, for the next call. */
bool client_running(Job *j);

/* client_watch lets `decided` be called for j, at once if it is; watcher is not NULL. */
void client_watch(Job *j, void *watcher);

/* client_close ends it when nothing is pending any more; with cancel, what no worker has begun is cancelled, as soon as
 * the servers have said which jobs those are. client_terminate cancels everything. Neither waits. */
void client_close(JobClient *c, bool cancel);
void client_terminate(JobClient *c);

/* client_wait_job waits until j is decided; client_wait_room while max_pending are undecided; client_wait_ended until
 * it has ended, after client_close; client_wait_server until a server is live, or each was tried. As park. */
ParkResult client_wait_job(Tstate *ts, Job *j, int64_t deadline);
ParkResult client_wait_room(Tstate *ts, JobClient *c, int64_t deadline);
ParkResult client_wait_ended(Tstate *ts, JobClient *c, int64_t deadline);
ParkResult client_wait_server(Tstate *ts, JobClient *c, int64_t deadline);

/* client_has_ended tells whether it is closed and nothing is pending. client_live is how many servers are live;
 * client_explain writes why the others are not. */
bool client_has_ended(JobClient *c);
unsigned client_live(JobClient *c);
void client_explain(JobClient *c, char *to, size_t size);

/* client_is_broken tells whether it cannot work any more; why may be read after that. */
bool client_is_broken(JobClient *c);

/* client_drop gives up a reference, client_drop_job one to a job and its watcher. client_foreign tells whether it is
 * another process's: a copy that came along with a fork. */
void client_drop(JobClient *c);
void client_drop_job(Job *j);
bool client_foreign(const JobClient *c);

/* For the files of this folder. Under m. */

/* client_decide makes j, in no list, final: who waits is woken, the watcher told, the client's reference given up.
 * client_fail does it with a reason. client_again puts it before the queue, unless what
 * is not begun is cancelled. */
void client_decide(JobClient *c, Job *j, JobState to);
void client_fail(JobClient *c, Job *j, JobFailure failure, const char *text, size_t size);
void client_again(JobClient *c, Job *j);

/* client_pump gives the servers what they have room for; client_flush writes it. client_unref gives up the client's
 * own reference to a job. */
void client_pump(JobClient *c);
void client_flush(JobClient *c);
void client_unref(Job *j);

/* client_break fails everything that is pending, for good; c->why says why. */
void client_break(JobClient *c);

/* client_tell has a waiting thread look again, client_tell_conditions those whose condition is there; client_kick
 * whoever polls; client_wake_helper, also without m, the helper. */
void client_tell(JobClient *c, JobWait *w);
void client_tell_conditions(JobClient *c);
void client_kick(JobClient *c);
void client_wake_helper(JobClient *c);

/* client_work writes and reads what it can on all connections, and looks at the clock; true if something came.
 * client_next is when to do that again. client_sleep polls until then, without m meanwhile. */
bool client_work(JobClient *c);
int64_t client_next(const JobClient *c);
void client_sleep(JobClient *c, int64_t until);

/* server_attach makes a connection of a descriptor; server_lose gives it up, with why; server_serve writes and reads,
 * true if something came; server_look_at_clock; server_next: when to do that again. server_submit sends a job, in no
 * list, or returns false: the connection is lost. server_withdraw takes a job of its list and has the server forget
 * it; server_ask asks how a job is, false if it has no name yet. */
void server_attach(JobClient *c, JobServer *s, int fd);
void server_lose(JobClient *c, JobServer *s, const char *why);
bool server_serve(JobClient *c, JobServer *s);
void server_look_at_clock(JobClient *c, JobServer *s, int64_t now);
int64_t server_next(const JobClient *c, const JobServer *s);
bool server_submit(JobClient *c, JobServer *s, Job *j);
bool server_ask(JobServer *s, Job *j);
void server_withdraw(JobServer *s, Job *j);

#endif
