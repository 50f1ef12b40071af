/* Threads that Lua starts: their life, and how they end.
 *
 * States     NEW       made; not known to the system
 *            RUNNING   started; has a thread state, is listed, keeps the runtime open unless it is a daemon
 *            DONE      its function has ended; results or error are kept
 *
 * Transitions         who                                where
 *   NEW -> RUNNING    any thread, once                   thread_start
 *   RUNNING -> DONE   the thread itself, or, in a forked child, whoever looks: the thread has vanished
 *
 * The system thread outlives DONE by some microseconds: it becomes a zombie and is joined by the next that starts or
 * ends one, or by the runtime's close.
 */
#ifndef GILUA_RUNTIME_THREAD_THREAD_H
#define GILUA_RUNTIME_THREAD_THREAD_H

#include "runtime/sync/park.h"
#include "runtime/state/object.h"

typedef enum ThreadState { THREAD_NEW, THREAD_RUNNING, THREAD_DONE } ThreadState;

/* User values of a Thread. */
enum {
  THREAD_CALL = 1,  /* NEW: {target, args…}; RUNNING: the base state; DONE: {results…} or the error */
  THREAD_NAME,      /* string, or nil: the default, made when somebody asks */
  THREAD_TARGET,    /* the function, for the default name; until that is made */
  THREAD_TRACEBACK, /* DONE with an error: string or nil */
  THREAD_VALUES = THREAD_TRACEBACK,
};

/* What a thread of ours runs in the place of a target. It is called with the arguments as the only values of L, its base, outside of
 * any Lua function, and so also where there is no memory to call one. It raises nothing; returns LUA_OK, or another status with
 * the error on top. */
typedef int (*ThreadMain)(lua_State *L, Tstate *ts);

/* threading.Thread as Lua sees it. */
typedef struct Thread {
  ObjectHead head;
  Tstate *ts;          /* [G] while RUNNING */
  ThreadState state;   /* [G] */
  bool failed;         /* [G] DONE with an error */
  bool daemon;         /* [G] fixed once started */
  bool foreign;        /* [i] of a thread that gilua did not start: main, or entered from C */
  ThreadMain main;     /* [i] NULL: it has a target; else false is in the place of that */
  bool timer;          /* [i] waits `delay` before it calls */
  bool called;         /* [G] timer: has begun to call */
  bool called_off;     /* [G] timer: cancelled before it did */
  lua_Number delay;    /* [i] seconds */
  lua_Integer number;  /* [i] in the default name */
  lua_Integer ident;   /* [G] 0 while NEW */
  pid_t native_id;     /* [G] 0 until known */
  lua_Integer nvalues; /* [G] results */
  Waitq joiners;       /* [G] */
  Waitq delaying;      /* [G] timer: where it waits */
} Thread;

extern const ObjectType thread_type;

/* thread_new pushes a new Thread; the table {target, args…} of n values is on top of the stack and popped. */
Thread *thread_new(lua_State *L, lua_Integer n);

/* thread_start starts the Thread at index i. Raises: started already, `finalizing`, the system refuses. */
void thread_start(lua_State *L, int i);

/* thread_alive tells whether it is RUNNING; notices that it vanished in a fork. */
bool thread_alive(Thread *t);

/* thread_push_current pushes the Thread of the calling thread, which is made for a thread that gilua did not start. */
Thread *thread_push_current(lua_State *L, Tstate *ts);

/* thread_push_name pushes its name, made now if it has none. i is the Thread's index. */
void thread_push_name(lua_State *L, int i);

/* thread_peek_name writes the name to the n bytes at name and returns it: nothing is made, no memory is needed. */
const char *thread_peek_name(const Tstate *ts, char *name, size_t n);

/* thread_join waits until t is DONE. */
ParkResult thread_join(Tstate *self, Thread *t, int64_t deadline);

/* thread_reap joins every system thread that has ended or is about to; called without the lock when no Thread is
 * RUNNING any more. */
void thread_reap(Runtime *rt);

#endif
