/* The runtime: one Lua state that many threads share, and its lock. Everything hangs off this struct; what is truly of
 * the process is in once.h.
 */
#ifndef GILUA_RUNTIME_STATE_RUNTIME_H
#define GILUA_RUNTIME_STATE_RUNTIME_H

#include <lua.h>
#include <stdbool.h>

#include "runtime/gil/gil.h"
#include "runtime/state/waitq.h"

typedef struct Runtime Runtime;
typedef struct Tstate Tstate;
typedef struct Order Order;

/* How a running thread is made to leave the lock. */
typedef enum Preempt {
  PREEMPT_SIGNAL, /* a signal arms a hook: costs nothing while nobody waits */
  PREEMPT_COUNT,  /* a count hook is always armed: half the speed; for ThreadSanitizer and hosts that own the signal */
  PREEMPT_NONE,   /* only calls that leave the lock let others run */
} Preempt;

/* A hook that somebody else's C code had set when ours took its place. L == NULL: none. */
typedef struct ForeignHook {
  lua_State *volatile L; /* [G] and the owner's signal handler; written last */
  lua_Hook hook;
  int mask, count;
} ForeignHook;

/* What os.exit asked for in a thread that may not do it itself. */
typedef struct ExitRequest {
  int status;                              /* [G] */
  bool close;                              /* [G] */
  bool begun;                              /* [G] the process ends; who asks now waits for that */
  unsigned waiting;                        /* [G] threads that asked, and wait for main: they run no Lua any more */
  void (*act)(lua_State *L, Runtime *rt); /* [i] does it, on the main thread; does not return */
} ExitRequest;

/* How far the end is. Only main moves it on, with the lock, and never back. Who is in os.exit (ExitRequest) is met by every
 * step: main ends the process then, whatever it was about to do.
 *
 *   PHASE_RUNS       the main program runs
 *   PHASE_JOINING    it is over, and who joins main goes on; executors finish, threads that are no daemons are waited for
 *   PHASE_CANCELLING nothing new is started, nobody comes in, the others are cancelled
 *   PHASE_ENDED      no other thread can run Lua: the state may be closed
 *   PHASE_LEFT       time ran out: the lock is closed (Gil.closed), the heap is left alone
 *
 * Transitions                     where
 *   RUNS -> JOINING               shutdown_join
 *   RUNS, JOINING -> CANCELLING   shutdown_cancel
 *   CANCELLING -> ENDED or LEFT   shutdown_cancel
 *   CANCELLING, ENDED -> LEFT     shutdown_leave: no memory for the steps between
 *   JOINING -> RUNS               in a forked child, whose only thread is main now: runtime_after_fork
 *   any -> RUNS                   in a worker of a pool: runtime_move
 */
typedef enum Phase { PHASE_RUNS, PHASE_JOINING, PHASE_CANCELLING, PHASE_ENDED, PHASE_LEFT } Phase;

/* Who could still end a wait; deadlock.h says what follows. */
typedef struct Wakers {
  unsigned untimed;  /* [G] threads in a wait that only a waker can end */
  uint64_t ended;    /* [G] how many such waits have ended */
  unsigned external; /* [G] pending work whose end wakes somebody, and that no listed thread does */
  bool closed;       /* [G] nobody else enters: the program said so, and no foreign thread has */
} Wakers;

enum { IDENT_BUCKETS = 256 };

/* Something to do when the program ends: once before threads are joined, and once after. May wait; raises nothing. Where the
 * runtime goes before its state, `detach` makes objects independent of it, and at last, when all others have, self. */
typedef struct RuntimeExit RuntimeExit;
struct RuntimeExit {
  bool (*run)(lua_State *L, RuntimeExit *self, bool joined); /* [i] false: Ctrl-C came, the rest is not waited for */
  void (*detach)(lua_State *L, RuntimeExit *self, bool last); /* [i] twice; raises nothing */
  Runtime *rt;       /* [G] whose end it is; NULL: that one has gone, or is not known yet */
  RuntimeExit *next; /* [G] */
};

/* A mutex of a library that fork takes before Gil.m, so that the child finds it free and what it guards whole. */
typedef struct ForkLock {
  pthread_mutex_t *m;    /* [i] */
  struct ForkLock *next; /* guarded by Once.list_m */
} ForkLock;

/* A native call that a request ends; guarded by Runtime.unblock_m. */
typedef struct Unblock {
  struct Unblock *next, *prev;
  Tstate *ts;
  void (*unblock)(void *arg);
  void *arg;
  uint32_t wanted; /* the requests that do */
  bool called; /* once a call */
} Unblock;

struct Runtime {
  Gil gil;
  lua_State *L;             /* [i] the main state */
  lua_State *spare;         /* [i] for service work, under the lock and its own lua_pcall only */
  const void *universe;     /* [i] identity of the Lua state and all its coroutines: its registry */
  struct gilua_Runtime *door; /* [i] how native threads come in, see visit.h */
  Preempt preempt;          /* [i] once there is a second thread */
  int signal;               /* [i] that preempts, if preempt says so */
  bool attached;            /* [i] somebody else made L, and closes it */
  /* Errors that nobody catches (threads, misuse) are told here; NULL: to nobody. Called with the lock, on any thread. */
  void (*on_error)(void *data, const char *text); /* [i] */
  void *on_error_data;      /* [i] */
  Tstate *main;             /* [i] the thread that opened the runtime; changes in a forked child only */
  Tstate *threads;          /* [G] every thread that has entered, main included; written with unblock_m, too */
  unsigned nthreads;        /* [G] */
  Tstate *by_ident[IDENT_BUCKETS]; /* [G] the same, by ident modulo its length */
  Wakers wakers;            /* [G] */
  void (*push_thread)(lua_State *L, Tstate *ts); /* [i] pushes the Thread object of ts; NULL without threads */
  lua_Integer last_ident;   /* [G] idents are never used twice */
  lua_Integer last_name;    /* [G] number of the last default thread name */
  size_t stack_size;        /* [G] bytes for new threads, 0: the system's default */
  unsigned poll;            /* [G] VM instructions between two count hooks, 0: no such hook */
  /* [G] with a schedule: called at each count event; may others notice the next instruction? NULL: yes */
  bool (*stepped)(lua_State *L, Tstate *ts, lua_Debug *ar);
  /* [G] the same, but when nobody runs before that instruction any more. NULL: nobody wants to know */
  void (*steps)(lua_State *L, Tstate *ts, lua_Debug *ar);
  Order *order;             /* [G] who looks for races, see order.h; set while there is one thread; NULL: nobody */
  bool poll_yields;         /* [G] each of these hooks lets a waiter run (policy ticks, the hostile build) */
  void (*_Atomic taker)(int); /* [a] a handler that takes our signal again and again: count hooks are to preempt; set by the
                               nudger, taken back by who switches; relaxed */
  bool signal_lost;         /* [G] that was so: the signal is not used any more */
  bool user_hooks;          /* [G] debug.sethook was used: coroutines may have records */
  ForeignHook foreign;      /* [G] */
  lua_Hook stock_hook;      /* [i] what the standard debug.sethook gives lua_sethook; NULL: scripts never had that function */
  lua_CFunction xpcall, pcall, error, assert_; /* [i] the standard functions, see bypass.h; NULL: not known */
  Phase phase;              /* [G] */
  int64_t shutdown_timeout_ns; /* [i] for joining at the end, and once more for cancelling; 0: for ever, and a second */
  bool ending;              /* [G] main runs the finalizer that waits for the threads, see sentinel.h */
  bool handles_sigint;      /* [i] */
  bool may_hear;            /* [i] Lua may set handlers of signals */
  struct Hearing *hearing;  /* [G] hear.h, read by signal handlers; NULL: it never did */
  void (*serve_signals)(lua_State *L, Tstate *ts); /* [G] calls them, see sync/serve.h; NULL with hearing */
  size_t memory_most;       /* [G] bytes that Lua may have, 0: no limit */
  struct Heap *heap;        /* [i] where the Lua heap lies, NULL: in an allocator of the host */
  const char *worker_program; /* [i] what pools execute for start = "spawn", or NULL */
  int release;              /* [i] of Lua, see release.h */
  unsigned forks;           /* [i] how many lie between its opening and this process */
  bool worker;              /* [i] of a pool: the process leaves without finalizers and atexit handlers */
  ExitRequest exit;         /* [G] */
  struct EndedThreads *ended; /* [G] ended.h; NULL: none yet */
  struct Recorder *recorder; /* [G] trace/recorder.h; NULL: nothing is recorded */
  uint32_t next_track;      /* [G] of recordings: tracks are never numbered twice */
  uint16_t recordings;      /* [G] how many have been started; tells their names apart */
  void (*thread_life)(Tstate *ts, bool starts); /* [G] told of starts and ends while something is recorded, or NULL */
  void (*report)(lua_State *L, Runtime *rt); /* [G] what the program prints at its end, by os.exit too, or NULL */
  void (*end_recording)(Runtime *rt); /* [G] completes the recording's file; called with the lock before the process ends */
  struct Watchdog *watchdog; /* [G] trace/watchdog.h; NULL: nobody asked */
  void (*tell_report)(lua_State *L, Tstate *ts); /* [G] serves REQUEST_REPORT in the hook of L, or NULL */
  struct DumpServer *dump_server; /* [G] trace/dump.h; NULL: SIGQUIT is not ours */
  RuntimeExit *at_exit;     /* [G] */
  ForkLock *fork_locks;     /* see ForkLock */
  Waitq endings;            /* [G] who waits for some thread to end */
  pthread_mutex_t reap_m;   /* guards [r]; a leaf */
  pthread_cond_t reap_c;    /* a thread became a zombie */
  pthread_mutex_t unblock_m; /* guards [u]; held while an unblock function runs; taken without the lock or under it */
  Unblock *unblocks; /* [u] native calls that a request ends, see blocking.h */
  Tstate *zombies, *newest_zombie; /* [r] ended, the oldest first, linked by next: to be joined by who starts or ends another */
  unsigned nzombies;        /* [r] how many */
  unsigned nending;         /* [r] have left Lua, and are zombies soon */
  unsigned unjoined;        /* [r] system threads started and not joined */
  unsigned joined_lately;   /* [r] how often to try again where there seems to be no room for a thread; 0: in vain, since one was */
  Runtime *next;            /* list of the process, see process.c */
};

/* runtime_of returns the runtime that L belongs to, or NULL. Threads: the owner of its lock. */
Runtime *runtime_of(lua_State *L);

/* runtime_open makes L, a fresh or running state, the main state of a new runtime whose lock the calling thread owns
 * from now on; attached: somebody else made it; signal is the one that preempts, 0 for the usual. Returns NULL when
 * memory or another resource is missing. May raise a Lua memory error: call it protected. */
Runtime *runtime_open(lua_State *L, bool attached, Preempt preempt, int signal);

/* runtime_add_exit adds self, first, to what happens at the end of L's runtime; no effect if it was added to that. Raises
 * when the state has no runtime any more. */
void runtime_add_exit(lua_State *L, RuntimeExit *self);

/* runtime_forget lets runtime_of(L) be NULL from now on; then runtime_free may follow with L open. */
void runtime_forget(lua_State *L);

/* runtime_free releases the runtime. The calling thread is main; every other thread has ended; L is closed. */
void runtime_free(Runtime *rt);

/* runtime_after_fork leaves rt with ts as its only and main thread, in the child of a fork; NULL: the thread that owned
 * its lock has vanished, and rt is closed for good. */
void runtime_after_fork(Runtime *rt, Tstate *ts);

/* runtime_move makes the calling thread the one thread and owner of rt, in the place of the thread that survived a fork
 * and that never touches rt again; L is its bottom. */
void runtime_move(Runtime *rt, lua_State *L);

/* runtime_set_policy changes the policy, and with it whether count hooks are armed. No effect with a schedule. Needs the
 * lock. */
void runtime_set_policy(Runtime *rt, const Policy *policy);

/* runtime_set_schedule has schedule decide from now on, and count hooks count for it: gil_set_schedule; nothing is
 * preempted by signals, whose moments nobody counts. Needs the lock, held by the calling thread, the only one. */
void runtime_set_schedule(Runtime *rt, Schedule *schedule);

#endif
