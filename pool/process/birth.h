/* What a zygote and its workers know from their birth on: copied by fork, never changed. */
#ifndef GILUA_POOL_PROCESS_BIRTH_H
#define GILUA_POOL_PROCESS_BIRTH_H

#include <lua.h>
#include <sys/types.h>

#include "pool/pickle/pickle.h"
#include "pool/process/shared.h"
#include "runtime/state/tstate.h"

typedef struct Birth {
  Runtime *rt;
  lua_State *L;       /* a thread of the runtime for the workers' loop; anchored */
  PickleLink *link;
  PoolShared *shared;
  unsigned workers;   /* how many parts the shared memory has */
  unsigned cpus;      /* that the program may use: who may spin */
  int socket;         /* the zygote's end */
  int event;          /* eventfd that wakes the parent */
  int parent_pidfd;   /* readable when the parent has ended; -1 where the system has none */
  pid_t parent;
  bool single;         /* a Process: one call, then it ends as a program does */
  size_t memory_limit; /* bytes that a worker may have beyond what it was born with, 0: no limit */
} Birth;

/* What parent and zygote say to each other, one message a packet. */
typedef struct ZygoteMessage {
  uint32_t op;    /* ZygoteOp */
  uint32_t index; /* of the worker */
  uint64_t generation;
  int32_t pid;
  int32_t status; /* DIED: of waitpid; BORN, READY: 0 or an errno; KILL: the signal, 0 for SIGKILL */
} ZygoteMessage;

typedef enum ZygoteOp {
  ZYGOTE_READY = 1, /* zygote: it works, or why not */
  ZYGOTE_FORK,      /* parent: a worker for this index */
  ZYGOTE_BORN,      /* zygote: pid, or pid 0 and status an errno */
  ZYGOTE_KILL,      /* parent: end that worker, if it is still of that generation */
  ZYGOTE_DIED       /* zygote: it was reaped */
} ZygoteOp;

/* zygote_run is the life of the child that was forked for it. */
_Noreturn void zygote_run(const Birth *birth);

/* worker_run is the life of a worker: it does tasks until it is told to end, or is killed. Called in the process that
 * the zygote forked. */
_Noreturn void worker_run(const Birth *birth, unsigned index);

/* process_exit statuses of ours. */
enum { WORKER_BROKEN = 70 };

#endif
