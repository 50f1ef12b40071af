/* The door of a runtime and the visits of native threads, as the layers below them see them. What is done with them, and the
 * protocol, are in thread/visit.c and thread/door.c.
 */
#ifndef GILUA_RUNTIME_STATE_DOOR_H
#define GILUA_RUNTIME_STATE_DOOR_H

#include "runtime/state/tstate.h"

typedef struct gilua_Runtime Door;
typedef struct Visit Visit;

typedef enum DoorState { DOOR_CLOSED, DOOR_OPEN, DOOR_CLOSING } DoorState;

struct gilua_Runtime {
  _Atomic int state;      /* [a] a DoorState, written under m; relaxed reads may be late, then m decides */
  _Atomic uint64_t serial; /* [a] of the runtime behind it; written before the door opens */
  pthread_mutex_t m;      /* guards [m]; a leaf, taken with and without the lock */
  pthread_cond_t c;       /* keeps became 0 */
  Runtime *rt;            /* [m] NULL when CLOSED */
  void *owner;            /* [i] what interp keeps of an interpreter that it made */
  unsigned keeps;         /* [m] closing waits for these */
  unsigned moving;        /* [m] threads on their first way in, or on their last way out */
  Visit *visits;          /* [m] of threads that are known behind it, main's too */
  Door *next;             /* of doors.c */
};

/* A call from native code back into Lua, inside a region or past another runtime. */
typedef struct Reentry {
  struct Reentry *outer;
  unsigned depth; /* Visit.depth while it lasts */
  Tstate *left;   /* the runtime that it came from, whose lock it left; or NULL */
  Tstate *before; /* inner neighbour of this state in the thread's chain, NULL: it was the innermost */
  int blocking;   /* the region that it interrupts */
  int top, region_top;
  bool doing_waits;
  const char *doing;
} Reentry;

typedef enum VisitState { VISIT_IDLE, VISIT_INSIDE, VISIT_GONE } VisitState;

struct Visit {
  void (*forget)(Visit *); /* [i] visit_forget, for process.c, which lies below */
  _Atomic int state; /* [a] a VisitState, see visit.c */
  Door *door;        /* [i] */
  uint64_t serial;   /* [i] of the door */
  Tstate *ts;        /* [i] not to be touched once GONE */
  unsigned depth;    /* [G] written by its thread: nested enters */
  Tstate *left;      /* [t] the runtime that it came from, whose lock it left meanwhile; or NULL */
  int top;           /* [t] of the Lua stack at the outermost enter */
  Reentry *reentry;  /* [t] innermost first */
  Visit *next;       /* [t] of the same thread */
  Visit *beside;     /* [m] Door.visits */
};

/* The calling thread's visits, the newest first; set in visit.c only. */
extern _Thread_local Visit *visit_first __attribute__((tls_model("initial-exec")));

#endif
