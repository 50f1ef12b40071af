/* The interface between executors and what runs their tasks: threads, processes, a distributed engine.
 *
 * An executor's object leads to an Executor, which the registry keeps until it is released: Lua may drop a finalizer (no
 * memory or no room on the C stack to call it), and then the object goes without a word. Everything that users see
 * (submit, map, shutdown, terminate, <close>, Pool) is written in terms of these functions; each is called with the lock
 * and may raise unless it says otherwise.
 *
 *   States     OPEN        takes tasks                          CLOSED      takes none; what was submitted is done
 *              BROKEN      cannot work any more: submit raises broken_pool with the cause in EXECUTOR_WHY
 *   OPEN -> CLOSED         shutdown, terminate, <close>, the end of the program, the collector: executor.c
 *   OPEN -> BROKEN         the back end: executor_break
 *   BROKEN -> CLOSED       as OPEN -> CLOSED
 */
#ifndef GILUA_POOL_FUTURES_BACKEND_H
#define GILUA_POOL_FUTURES_BACKEND_H

#include "pool/futures/counters.h"
#include "pool/futures/future.h"

typedef struct Executor Executor;
typedef struct ExecutorRegistry ExecutorRegistry;

typedef enum ExecutorState { EXECUTOR_OPEN, EXECUTOR_BROKEN, EXECUTOR_CLOSED } ExecutorState;

/* User values of every executor's object; a back end's own follow. */
enum {
  EXECUTOR_ITSELF = 1, /* the Executor */
  EXECUTOR_WHY,        /* BROKEN: see executor_push_why */
  EXECUTOR_OWN,        /* the back end's first */
};

/* How a chunk's arguments are laid out: see executor_chunk. */
typedef struct Chunk {
  int count;   /* calls, 1 or more */
  int arity;   /* arguments of each; they are batch[1 … count * arity] */
  bool spread; /* arity is 1, and each argument is a list to be unpacked (starmap) */
  bool goes_on; /* behind a call that fails */
} Chunk;

typedef struct Backend {
  /* Bytes of what starts with an Executor. */
  size_t size;

  /* Pushes the Future of a task. The executor is at index i; the function and, above it, nargs arguments are on top of the
   * stack and are popped. The executor is OPEN. On an error (pickle, broken_pool) nothing was queued. */
  void (*submit)(lua_State *L, Executor *e, int i, int nargs);

  /* The same for several calls in one task: the function and, above it, the table `batch` are on top and are popped. The
   * task must give what chunk_run (chunk.h) gives. NULL: submit(chunk_run, f, batch, …) is called instead, so that only
   * a back end which treats functions specially needs it. */
  void (*submit_chunk)(lua_State *L, Executor *e, int i, const Chunk *chunk);

  /* No tasks from now on; those that are not begun are cancelled if `cancel`, else done. Returns at once; idempotent (a
   * second call may come with cancel). Called once the state is CLOSED. Without a cancel it raises nothing, and i may be 0. */
  void (*close)(lua_State *L, Executor *e, int i, bool cancel);

  /* After close: waits, as park, until every task is decided and every worker gone. */
  ParkResult (*join)(lua_State *L, Tstate *ts, Executor *e, int64_t deadline);

  /* Stops: every undecided future is CANCELLED when this returns; workers end as soon as they can. */
  void (*terminate)(lua_State *L, Executor *e, int i);

  /* The object was collected without having been closed: what was submitted is done, then the workers go. Inside a
   * finalizer: neither raises, blocks nor allocates Lua memory. */
  void (*collected)(Executor *e);

  /* The object was collected, or the state closes; called last, after collected. NULL: nothing to free. The same rules. */
  void (*free)(Executor *e);

  /* What it has done so far; also inside a finalizer: neither raises nor allocates. NULL: not counted. If it is
   * collected with tasks unfinished, the back end itself calls counters_keep when they are. */
  void (*count)(Executor *e, PoolCounters *out);

  /* Pushes the list of its workers: {name or pid, tasks, busy_ns}. Raises memory errors. */
  void (*push_workers)(lua_State *L, Executor *e);

  /* A function may be given by its name, a string. */
  bool names;

  /* Automatic chunk sizes pay: a task costs more than its hand-over in this process. */
  bool chunks;
} Backend;

/* The head of every executor; user value 1 is the back end's own. */
struct Executor {
  const Backend *backend;  /* [i] */
  Runtime *rt;             /* [G] NULL when that has gone */
  ExecutorState state;     /* [G] */
  int max_workers;         /* [i] */
  bool show_progress;      /* [i] maps draw a line */
  bool finalizing;         /* [G] closed because the program ends */
  bool listed;             /* [G] it is in the registry */
  bool marked;             /* [G] for whoever goes through the list, within one look */
  Executor *next, *prev;   /* [G] ExecutorRegistry.executors */
};

/* What users have; its finalizer releases the Executor. */
typedef struct ExecutorObject {
  ObjectHead head;
  Executor *executor; /* [i] */
} ExecutorObject;

/* The methods of every executor: ObjectType.methods and .meta of each back end's type. A type is told by its methods. */
extern const luaL_Reg executor_methods[], executor_meta[];

/* executor_describe: ObjectType.describe of every executor's type. */
void executor_describe(lua_State *L, void *object);

/* executor_new pushes an executor of that type, OPEN, with nvalues user values of the back end's. show_progress is read from
 * the options (options_take) at stack index 1. Raises finalizing. */
Executor *executor_new(lua_State *L, ExecutorRegistry *r, const ObjectType *type, const Backend *backend, int max_workers,
                       int nvalues);

/* executor_option_call pushes `initializer` and `initargs` of the options at index 1, of the constructor `what`, as
 * {initializer, initargs…}, or nil if there is none; returns the number of arguments. */
int executor_option_call(lua_State *L, const char *what);

/* executor_release lets go of e, of everything that refers to its runtime, and takes it off the registry (NULL: that
 * has gone). What was submitted is done, nobody waits. executor_collect is the __gc that does it. Neither raises nor
 * allocates. */
void executor_release(lua_State *L, ExecutorRegistry *r, Executor *e);
int executor_collect(lua_State *L);

/* executor_push pushes the object of e; false and nothing pushed: it has gone. executor_push_itself pushes e, listed. */
bool executor_push(lua_State *L, const Executor *e);
void executor_push_itself(lua_State *L, const Executor *e);

/* executors_disown (end.c) is for a worker: what was inherited is the parent's, and the end of this process does not
 * care for it. */
void executors_disown(lua_State *L);

/* executor_at is the executor whose object is at index i. executor_test returns it, of any type, or NULL; executor_check raises
 * an argument error. */
static inline Executor *executor_at(lua_State *L, int i) { return ((ExecutorObject *)lua_touserdata(L, i))->executor; }
Executor *executor_test(lua_State *L, int i);
Executor *executor_check(lua_State *L, int i);

/* executor_check_function raises an argument error unless the value at index f is what the executor e can call. */
void executor_check_function(lua_State *L, const Executor *e, int f);

/* executor_push_why replaces two values on top of the stack, a cause (any value) and its traceback (or nil), by one that stands
 * for both. executor_break makes the executor at index i BROKEN; such a value is on top of the stack and is popped. No effect
 * unless it is OPEN. The back end fails its pending futures itself: executor_push_broken pushes a new error object broken_pool
 * with the cause and the traceback of the value at index `why`; executor_raise_broken raises one. */
void executor_push_why(lua_State *L);
void executor_break(lua_State *L, int i);
void executor_push_broken(lua_State *L, int why);
int executor_raise_broken(lua_State *L, int why);

/* executor_check_open raises what a submit would raise unless the executor at index i is OPEN. */
void executor_check_open(lua_State *L, int i);

/* executor_submit, executor_submit_chunk: Backend.submit and submit_chunk for who uses an executor, with the checks of its state:
 * raise invalid_state, finalizing, broken_pool. */
void executor_submit(lua_State *L, int i, int nargs);
void executor_submit_chunk(lua_State *L, int i, const Chunk *chunk);

/* executor_close, executor_join, executor_terminate: shutdown in steps. executor_join raises what a request stands for; returns
 * false when the deadline has passed. Who calls it keeps e. */
void executor_close(lua_State *L, int i, bool cancel);
bool executor_join(lua_State *L, Executor *e, int64_t deadline);
void executor_terminate(lua_State *L, int i);

#endif
