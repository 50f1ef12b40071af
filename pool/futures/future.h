/* Futures: the outcome of a task that may still be under way.
 *
 * A back end makes a future (future_new), and decides it once, with the lock: future_set_values, _error, _cancelled.
 * A back end whose outcomes arrive in plain memory, without the lock, gives its futures a source (FutureSource): whoever
 * asks for the result waits inside the source and settles the future itself, with no thread between.
 *
 *   States        PENDING     not begun                                        RUNNING    a worker has begun
 *                 SETTLING    its outcome has come, and a thread decodes it
 *                 DONE        values         FAILED  an error                  CANCELLED  will never have a result
 *
 *   from \ to     RUNNING              SETTLING       DONE, FAILED    CANCELLED                    future_may is the table
 *   PENDING       future_set_running   future_ask     future_set_…    future_cancel, the back end
 *   RUNNING       -                    -              future_set_…    the back end only
 *   SETTLING      -                    -              future_set_…    future_ask     and PENDING: a request came meanwhile
 *   decided       -                    -              -               -              raises invalid_state
 *
 * Everything here needs the lock. Who else wants to know of its end puts a FutureWatch into its list: groups (group.h), and
 * the thread that runs callbacks (service.h). Guard tag [n]: FutureService.m.
 */
#ifndef GILUA_POOL_FUTURES_FUTURE_H
#define GILUA_POOL_FUTURES_FUTURE_H

#include "runtime/sync/park.h"
#include "runtime/state/call.h"
#include "runtime/state/object.h"

typedef struct Future Future;
typedef struct FutureService FutureService;
typedef struct FutureWatch FutureWatch;

typedef enum FutureState {
  FUTURE_PENDING,
  FUTURE_RUNNING,
  FUTURE_SETTLING,
  FUTURE_DONE,
  FUTURE_FAILED,
  FUTURE_CANCELLED,
} FutureState;

/* User values of a future. The call of a task is kept in the value slots while it is PENDING. */
enum {
  FUTURE_CALLBACKS = 1, /* nil, or the list of them */
  FUTURE_VALUE,         /* and following: the values; all in one table if they are more than the slots. FAILED: the error */
  FUTURE_TRACEBACK,     /* FAILED: the traceback from where it ran, or nil */
  FUTURE_LEAST_SLOTS = 2,
};

/* Somebody who is told when a future is decided, once. */
struct FutureWatch {
  /* Called with the lock, w out of the list; the future is at index i. Raises nothing. */
  void (*tell)(lua_State *L, Tstate *self, FutureWatch *w, Future *f, int i);
  Future *future;           /* [G] linked in its list, else NULL */
  FutureWatch *next, *prev; /* [G] */
};

/* Where the outcome comes from, when it comes without the lock. Every function is called with the lock, and must be there
 * (drop may be NULL). */
typedef struct FutureSource {
  /* Is the outcome there? Cheap. */
  bool (*ready)(Future *f);
  /* Waits without the lock until it is ready, the deadline or a request: as park, PARK_FORBIDDEN in a finalizer included. May
   * return early with PARK_GRANTED. Several threads may be in here for one future; when it is decided by somebody else
   * they must come back. */
  ParkResult (*wait)(lua_State *L, Tstate *ts, Future *f, int64_t deadline);
  /* It is ready: pushes the outcome and says what it is: DONE, values; FAILED, an error and its traceback; CANCELLED,
   * nothing. May run Lua code, and is called protected: an error is the outcome, but for what a request of the calling thread
   * raises; then load is called again when somebody asks again. */
  FutureState (*load)(lua_State *L, Future *f);
  /* Has a worker begun it? */
  bool (*running)(Future *f);
  /* Called while it is not ready. True: it will never have a result; future_cancel then makes it CANCELLED. */
  bool (*cancel)(lua_State *L, Future *f, int i);
  /* From now on the source calls future_notify(f) (service.h) once, from any thread, as soon as it is ready; at once if it
   * is. But not after load, a `cancel` that returned true, or a future_set_… of its own. Called at most once. */
  void (*watch)(lua_State *L, Future *f, int i);
  /* Nobody asks any more: load has given the outcome, or the future was collected. unwanted: what has not begun is
   * cancelled. May be called again. Inside a finalizer, too: neither raises, blocks nor allocates Lua memory. */
  void (*drop)(Future *f, bool unwanted);
} FutureSource;

/* What the callback thread has to do with a future (service.h). */
typedef enum FutureServing { SERVING_NOT, SERVING_TOLD, SERVING_WATCHED, SERVING_OVER } FutureServing;

/* futures.Future as Lua sees it. */
struct Future {
  ObjectHead head;
  const FutureSource *source; /* [i] or NULL: decided by whoever made it, or was dropped */
  void *task;                 /* the back end's own */
  lua_Integer runner;         /* [G] ident of the thread that can end it, 0 if that is not known */
  FutureState state;          /* [G] */
  int nvalues;                /* [G] DONE: results, in one table if they are more than the slots. A back end may use it before */
  unsigned short nslots;      /* [i] value slots */
  bool abandoned;             /* [G] collected undecided, it is cancelled: only a map that is gone could have asked */
  bool listed;                /* [n] it is in the service's list */
  FutureServing serving;      /* [G] */
  const struct Workers *workers; /* [G] those that alone can run it, or NULL; NULL once it is decided */
  Waitq waiters;              /* [G] threads that wait for it alone, parked */
  FutureWatch *watches;       /* [G] who is told of its end */
  FutureWatch service_watch;  /* [G] the callback thread's */
  FutureService *service;     /* [i] once served */
  Future *listed_next;        /* [n] */
};

extern const ObjectType future_type;

/* future_new pushes a PENDING future with room for nslots values (at least FUTURE_LEAST_SLOTS; more are possible, they
 * cost a table). Raises memory errors only. */
Future *future_new(lua_State *L, const FutureSource *source, void *task, int nslots);

/* future_test returns the future at index i or NULL; future_check raises an argument error. */
static inline Future *future_test(lua_State *L, int i) { return object_test(L, i, &future_type); }
Future *future_check(lua_State *L, int i);

/* future_may tells whether a future may go from one state to the other. */
bool future_may(FutureState from, FutureState to);

static inline bool future_decided(const Future *f) { return f->state >= FUTURE_DONE; }

/* future_state_name is "pending", "running", "done", "failed" or "cancelled". */
const char *future_state_name(const Future *f);

/* future_set_running notes that a worker begins; false: it was cancelled, leave it alone. */
bool future_set_running(Future *f);

/* The three ends. The future is at index i; waiters are granted and watches told. A future that is
 * decided already raises invalid_state. future_set_values may raise a memory error, and leaves it undecided then; the others
 * allocate nothing.
 * future_set_values takes n values from the top of the stack; future_set_error an error and, above it, its traceback (a
 * string or nil). */
void future_set_values(lua_State *L, int i, int n);
void future_set_error(lua_State *L, int i);
void future_set_cancelled(lua_State *L, int i);

/* future_link puts w into the list of f, undecided; future_unlink takes it out. */
void future_link(Future *f, FutureWatch *w);
void future_unlink(FutureWatch *w);

/* future_ask settles the future at i if its outcome is there: CALL_OK, whether it is decided or not. CALL_REQUESTED: a request
 * of the calling thread came meanwhile, its error is pushed, and the future is as before. future_poll raises that, and
 * returns true if the future is decided. Both raise memory errors. */
CallResult future_ask(lua_State *L, int i);
bool future_poll(lua_State *L, int i);

/* future_wait waits until the future at i is decided (PARK_GRANTED), the deadline or a request. Raises `deadlock` when it
 * never can be; memory errors. */
ParkResult future_wait(lua_State *L, Tstate *ts, int i, int64_t deadline);

/* future_cancel asks the future at i to stop; true if it is cancelled. */
bool future_cancel(lua_State *L, int i);

/* future_push_result pushes the values of the decided future at i and returns how many; raises its error, or `cancelled`. */
int future_push_result(lua_State *L, int i);

/* future_push_error pushes the error of the decided future at i, an error object `cancelled` included, or nil if it is DONE;
 * the traceback is remembered for gilua.traceback_of. */
void future_push_error(lua_State *L, int i);

#endif
