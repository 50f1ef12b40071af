/* The thread state: what gilua knows of one system thread in one runtime.
 *
 * A system thread may be in several runtimes at once (Lua of one calls C that enters another): its states form a chain
 * from the innermost outwards, and tstate_self is the innermost.
 */
#ifndef GILUA_RUNTIME_STATE_TSTATE_H
#define GILUA_RUNTIME_STATE_TSTATE_H

#include <lua.h>
#include <signal.h>

#include "runtime/state/waitq.h"
#include "runtime/state/runtime.h"

/* Which coroutine runs on a thread. Lua does not tell, so who resumes one notes it (running.h). C code that resumes one by
 * itself does not: then the innermost that was noted is kept. All that are noted are on the C stack of their thread, so
 * none can be collected. */
typedef struct Running {
  lua_State *L;
  bool astray;                 /* L, or one below it, is also in use by another thread */
  const struct Running *outer; /* the one that resumed it */
} Running;

/* So many of the locks that a thread holds are shown. */
enum { HELD_SHOWN = 8 };

struct Tstate {
  GilThread gil;               /* first, so that a GilThread of ours is a Tstate */
  Runtime *rt;                 /* [i] */
  lua_State *base;             /* [i] once listed: its bottom: the main state, or a thread made for it (runtime_move) */
  lua_State *volatile current; /* [t] the innermost coroutine that is known to run; set in running.h only, read by the signal
                                  handler of this thread */
  const Running *outer_running; /* [t] those that it was resumed from */
  bool nested_astray;          /* [t] one of these is in use by another thread, too */
  bool astray;                 /* [t] that, or the state of the last call of ours is: nothing may wait */
  volatile sig_atomic_t in_sethook; /* [t] inside our lua_sethook: the handler stays away */
  sigset_t before_sethook;     /* [t] the mask to come back to, where all handlers stay away */
  bool just_held;              /* [t] hold() returned: no raise before its <close> variable exists */
  bool shielded;               /* [t] requests do not end its waits now */
  bool owned;                  /* [i] started by gilua, not entered from outside */
  bool exiting;                /* [G] called os.exit, and waits for main to do it; ExitRequest.waiting counts them */
  bool took;                   /* [t] the lock, for a fork in native work */
  bool vanished;               /* [G] its thread did not come along into this forked child */
  lua_Integer ident;           /* [i] */
  Order *order;                /* [i] of its runtime, see order.h; NULL: nobody looks for races */
  Waiter wait;                 /* [G] its innermost */
  Waiter *aside;               /* [G] those that signal handlers run amid of, the innermost first: aside.h */
  bool idle;                   /* [G] its wait is one for work, which others bring: it is never told of a deadlock */
  const void *held[HELD_SHOWN]; /* [G] addresses of Locks it holds, bit 0: an RLock; never followed, see lock.h */
  unsigned nheld;              /* [G] how many; only the first HELD_SHOWN are noted */
  uint64_t left_at;            /* [G] recording: ticks when it last left the lock, 0: unknown */
  uint32_t left_where;         /* [G] the same: its place then */
  uint16_t left_for;           /* [G] the same: id of the name of what it waits for or does, 0: none */
  bool left_waits;             /* [G] the same: it waits; else it does native work, or nothing */
  uint32_t task_name;          /* [G] the same: the task that it does, for a pool; 0: none that is recorded */
  uint64_t task_since;         /* [G] the same: when it began, ticks */
  uint64_t suspected;          /* [t] Runtime.wakers.ended when it saw that everybody waits */
  struct DeadlockReport *deadlock; /* [G] what park found and park_check is to raise, or NULL */
  int blocking;                /* [t] native regions it is in, see blocking.h; the lock is out while > 0 … */
  bool kept;                   /* [t] … unless this says that a finalizer keeps it */
  int top;                     /* [t] of the Lua stack when the outermost region began */
  const char *doing;           /* [G] what it left the lock for, or which descriptors it waits for; NULL: neither */
  bool doing_waits;            /* [G] that is a wait, not work */
  _Atomic uint32_t ends_call;  /* [a] while it has WAKE_CALLS, see blocking.c: the requests that end its read … */
  _Atomic int reads;           /* [a] … and the descriptor of that */
  const _Atomic uint64_t *doing_owner; /* [G] bits 0 to 30 of this word are the pid of who has what it waits for, 0: nobody; or NULL */
  struct Unblock *unblock;     /* [u] its native call that a request ends, or NULL */
  int thread_ref;              /* [G] registry: its Thread object, or LUA_NOREF */
  int locals_ref;              /* [G] registry: contents of its threading.Local objects, or LUA_NOREF */
  bool serving;                /* [t] a hook of a signal handler of the host, amid a wait: nothing else waits */
  int hook_error_ref;          /* [G] registry: what such a hook, or a signal handler of Lua, raised, until the wait has ended; or LUA_NOREF */
  int cancel_ref;              /* [G] registry: the message of a pending cancel, or LUA_NOREF */
  int base_ref;                /* [G] registry: anchor of base, or LUA_NOREF */
  int error_ref;               /* [G] registry: {value, traceback} of its newest error that is no object, or LUA_NOREF */
  struct Worker *worker;       /* [G] what it is in a pool of threads, or NULL */
  pthread_t pthread;           /* [i] of a thread that gilua started */
  sigset_t blocked;            /* [i] signals that are blocked in it and not in who started it, see os/signals.h */
  char os_name[32];            /* [i] name for the system, which takes 15 bytes */
  char longest_at[LUA_IDSIZE + 16]; /* [G] "script.lua:12" of its longest hold, if that was long */
  struct Visit *visit;         /* [i] of a thread that gilua did not start, see visit.h */
  Tstate *next, *prev;         /* [G] Runtime.threads; written with unblock_m, too */
  Tstate *bucket_next;         /* [G] Runtime.by_ident */
  Tstate *outer;               /* [t] next state of the same system thread */
  struct ForeignCall *foreign; /* [t] the C function that it calls by ctypes, or NULL */
  struct AfterRead *after_read; /* [t] of the message that it reads, or NULL: after_read.h */
  int c_errno;                 /* [t] errno as those functions left it */
};

/* The calling thread's innermost state; kept in once.c, set in process.c only. initial-exec: the lazy model may allocate,
 * and signal handlers read this on any thread. */
extern _Thread_local Tstate *tstate_innermost __attribute__((tls_model("initial-exec")));

/* tstate_self is the calling thread's innermost state, or NULL if it is in no runtime. Safe in a signal handler. */
static inline Tstate *tstate_self(void) { return tstate_innermost; }

/* tstate_of is the state of GilThread t. */
static inline Tstate *tstate_of(GilThread *t) { return (Tstate *)t; }

/* tstate_waits_for is what ts waits for or does without the lock, NULL if neither. Needs the lock. */
static inline const char *tstate_waits_for(const Tstate *ts) { return ts->wait.what != NULL ? ts->wait.what : ts->doing; }

/* tstate_busy_with is the same with what kind of descriptors it waits for, and whether it waits. Needs the lock. */
static inline const char *tstate_busy_with(const Tstate *ts, bool *waits) {
  *waits = ts->wait.what != NULL || (ts->doing != NULL && ts->doing_waits);
  return ts->doing != NULL ? ts->doing : ts->wait.what;
}

static inline Tstate *tstate_of_waiter(const Waiter *w) { return w->ts; }

/* tstate_new makes a state with the given base for a thread that is about to start or enter, and lists it in rt.
 * Returns NULL without memory. Needs the lock, held by parent (NULL for the first thread of rt). */
Tstate *tstate_new(Runtime *rt, lua_State *base, Tstate *parent);

/* tstate_alloc and tstate_list are its two halves: the first needs no lock if parent is NULL, the second does. */
Tstate *tstate_alloc(Runtime *rt, lua_State *base, Tstate *parent);
void tstate_list(Tstate *ts);

/* tstate_unlist takes ts out of rt's list and gives back its references. Needs the lock. */
void tstate_unlist(Tstate *ts);

/* tstate_find is the listed state with that ident, or NULL: it has ended, or never was. Needs the lock. */
static inline Tstate *tstate_find(const Runtime *rt, lua_Integer ident) {
  Tstate *ts = rt->by_ident[(lua_Unsigned)ident % IDENT_BUCKETS];
  while (ts != NULL && ts->ident != ident) ts = ts->bucket_next;
  return ts;
}
/* tstate_free frees a state that is not listed, or whose runtime is gone; NULL is fine. */
void tstate_free(Tstate *ts);

/* tstate_enter makes ts the calling thread's innermost state; tstate_leave takes it off again. Without the lock. */
void tstate_enter(Tstate *ts);
void tstate_leave(Tstate *ts);

/* tstate_note_longest keeps the Lua line where self is, which leaves the lock after its longest hold. Is Gil.longest. */
void tstate_note_longest(GilThread *self);

#endif
