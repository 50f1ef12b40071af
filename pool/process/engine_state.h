/* The state of an engine (engine.h), which every file of it works on; below all of them.
 *
 * Lock order: interpreter lock -> Engine.m, a leaf: no Lua, no encoding under it. In a forked child the engine is of
 * another process (engine_foreign), and no function touches m.
 */
#ifndef GILUA_POOL_PROCESS_ENGINE_STATE_H
#define GILUA_POOL_PROCESS_ENGINE_STATE_H

#include <pthread.h>

#include "pool/process/birth.h"
#include "pool/process/task.h"
#include "runtime/sync/park.h"

enum { TOLD_CODES = 4096, RETRY_ZYGOTE = 5, MOST_WORKERS = 1024 };

typedef struct EngineOptions {
  unsigned max_workers;
  unsigned max_tasks;      /* tasks a worker does before it is replaced, 0: any number */
  unsigned retries;        /* how often a task whose worker died is tried again */
  unsigned max_pending;    /* submit waits while so many are undecided, 0: it never waits */
  int64_t task_timeout_ns; /* 0: none */
  size_t memory_limit;     /* bytes a worker may add, 0: no limit */
  bool spawn;              /* the zygote is executed, not forked */
  bool single;             /* Process: one call in one worker, which ends with it as a program does; see worker_leave */
  unsigned cpus;           /* that the program may use */
} EngineOptions;

/* A message on its way into a ring. */
typedef struct Segment {
  const void *bytes;
  size_t size;
} Segment;

typedef struct Outgoing {
  Task *task;          /* NULL: nothing under way */
  Record head;
  Record *definitions; /* heads of the bytecode in front, malloc'd */
  StringPlace *places; /* malloc'd */
  Segment inlined[3], *segments;
  unsigned n, at;      /* segments; the one under way */
  size_t offset;       /* in it */
} Outgoing;

typedef enum WorkerState {
  WORKER_NONE,  /* may be forked */
  WORKER_BIRTH, /* the zygote was asked for it */
  WORKER_LIVE,  /* takes tasks; its process may be dead already, which the zygote will tell */
  WORKER_DYING  /* killed, or told to end: takes none */
} WorkerState;

/* The parent's view of one worker. All under Engine.m. */
typedef struct WorkerHandle {
  WorkerState state;
  WorkerShared *shared;  /* [i] */
  uint64_t generation;   /* of the process in this place */
  pid_t pid;
  RingEnd tasks, results;
  Task *sent[SLOTS];     /* by slot, in order from `first` on */
  unsigned first, count;
  unsigned given;        /* tasks since its birth */
  bool told;             /* DYING: the zygote knows; false: its socket was full, to be said again */
  Outgoing out;
  Record head;           /* of the result that is read */
  size_t got;            /* bytes of it, head included */
  unsigned char *body;
  uint64_t epoch;        /* of the codes that it was told */
  uint64_t codes[TOLD_CODES / 64]; /* a bit for each id; what has a larger one is told with every task */
} WorkerHandle;

/* A thread that waits, on its own stack; under Engine.m but for stop and word. */
typedef struct TaskWait {
  struct TaskWait *next, *prev; /* Engine.waits */
  struct TaskWait *same;        /* next that waits for the same task */
  Task *task;                   /* NULL: waits for room, or for the end of all */
  bool (*ready)(Engine *e, struct TaskWait *w);
  int64_t deadline;
  bool polls, sleeps;           /* it sleeps in poll, on its futex */
  _Atomic bool stop;            /* [a] a request came; seq_cst */
  _Atomic uint32_t word;        /* [a] the follower's futex: 1 is "look again" */
} TaskWait;

/* What the leader that spins saw of a worker's rings: results up to tail, and, if it has more to send, no room while the worker
 * has read up to head. */
typedef struct Seen {
  uint32_t tail, head;
  bool sends;
} Seen;

/* What the workers in one place have done. */
typedef struct WorkerCount {
  uint64_t tasks;
  int64_t busy_ns;
} WorkerCount;

typedef enum EngineState { ENGINE_OPEN, ENGINE_CLOSING, ENGINE_ENDED } EngineState;

typedef struct EngineOwner EngineOwner; /* engines.h */

struct Engine {
  EngineOptions options; /* [i] */
  EngineOwner *owner;    /* [G] NULL: let go */
  Engine *next, *prev;   /* [G] the list of engines.c */
  _Atomic unsigned refs; /* [a] executor, collector thread, tasks; the last frees */
  unsigned users;        /* [G] the owner or its list, and tasks: the last lets go of link, init and cause */

  Runtime *rt;             /* [i] futures may outlive it: see life */
  const RuntimeExit *life; /* [i] of an executor: its rt is ours as long as that is there */
  lua_State *spare;        /* [i] of rt, but as long as the Lua state */
  unsigned forks;          /* [i] at_fork_count of the process whose engine this is */

  PickleLink *link;         /* [G] its own */
  PickleMessage init;       /* [i] the initializer, or empty */
  bool has_init;            /* [i] */
  void (*decided)(Task *t); /* [i] called for a task with a watcher, under m */

  pthread_mutex_t m;     /* guards [m] */
  EngineState state;     /* [m] CLOSING: the collector ends everything when nothing is pending */
  uint64_t activity;     /* [m] counts what threads of the program did */
  int signal;            /* [m] for the first worker when it is born, 0: none */

  struct {       /* [m] cannot work any more */
    bool yes;
    int error;   /* why; 0: cause, or status */
    int status;  /* of waitpid: workers ended before they began anything */
    Task *cause; /* the initializer that failed, decided */
  } broken;

  struct {
    Birth birth; /* [i] but for what a new zygote changes: the collector, with the interpreter lock */
    pid_t pid;   /* [m] 0: none */
    int socket;  /* [m] -1: none */
    bool lost;   /* [m] the collector is about to fork a new one */
  } zygote;

  /* [i] until it is over and nobody waits in it: engine_give_back */
  int event;          /* what wakes who sleeps in poll */
  int memory;         /* spawn: the memfd behind shared; else -1 */
  PoolShared *shared;

  WorkerHandle *workers;    /* [m] options.max_workers */
  unsigned used;            /* [m] workers from here on were never asked for: who walks over them stops here */
  unsigned live, births;    /* [m] workers in these states; dying ones count as live until they are reaped */
  unsigned stillborn;       /* [m] workers that ended before they began a task, since one did */
  uint64_t last_generation; /* [m] */
  int64_t refused_at;       /* [m] when the system last refused a worker, 0: never */

  struct { /* [m] in the order in which they are to be done */
    Task *first, *last;
    unsigned n, most;
  } queue;
  unsigned pending;  /* [m] undecided tasks */
  uint64_t last_id;  /* [m] */
  int64_t mean_ns;   /* [m] how long a task runs, a moving mean; 0: not known */
  Task *graveyard;   /* [m] to be freed with the interpreter lock */

  struct { /* [m] threads of the program */
    TaskWait *first, *leader;
    unsigned conditions; /* those that wait for no task */
    bool polled;         /* a thread is in poll: the leader or the collector */
    unsigned inside;     /* threads that found that they have to wait, and may still be told to stop */
  } waits;
  Seen *seen; /* [leader] what it saw of each worker when it began to spin */

  struct {
    bool exists;           /* [m] the thread is there */
    bool sleeps;           /* [m] without a timeout */
    _Atomic uint32_t word; /* [a] its futex */
  } collector;

  struct { /* [m] the program stood still so long, until then */
    int64_t ns, at;
  } stop;

  struct {               /* for who looks */
    char name[48];       /* [i] of the pool */
    bool uncounted;      /* [G] its executor was collected while tasks were pending */
    uint64_t submitted;  /* [m] tasks */
    WorkerCount *counts; /* [m] by place */
    uint32_t *tracks;    /* [G] by place: rows of a recording */
  } shown;
};

/* engine_over: its zygote is reaped, and nothing will happen any more. With m. */
static inline bool engine_over(const Engine *e) { return e->state == ENGINE_ENDED && e->zygote.pid == 0; }

#endif
