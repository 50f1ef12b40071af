/* gilua for programs that embed it: real threads over one Lua 5.4 state. C11 and C++.
 *
 *   gilua_Config config = {0};                 // zero is the default everywhere
 *   gilua_Runtime *rt;
 *   int err = gilua_open(&rt, &config);
 *   if (err == 0) err = gilua_run_file(rt, "script.lua", argc, argv);
 *   if (err != 0) fprintf(stderr, "%s\n", err == GILUA_ELUA ? gilua_error(rt) : gilua_strerror(err));
 *   gilua_close(rt);
 *
 * A runtime is one Lua state, shared by many threads, and its lock. Only the thread that has the lock may use the
 * state. A thread of the host gets it for a while by gilua_enter … gilua_leave:
 *
 *   lua_State *L;
 *   if (gilua_enter(rt, &L) == 0) {            // waits for its turn; L is this thread's own
 *     lua_getglobal(L, "on_message");
 *     lua_pushstring(L, text);
 *     if (gilua_call(rt, L, 1, 0) != 0) log(lua_tostring(L, -1));
 *     gilua_leave(rt, L);                      // empties L's stack
 *   }
 *
 * While Lua runs in it a thread is made to share: after 5 ms, or at once for one that comes back from a wait, the lock
 * goes to the next thread, at an instruction of Lua code. Your own C code keeps it until it returns, or leaves it with
 * gilua_native.h. Many runtimes may live in one process, in parallel.
 *
 * Calls return 0 or a negative GILUA_E…. A pointer that must not be NULL and is gives GILUA_EINVAL, and is no matter to
 * gilua_close, gilua_drop and gilua_interrupt, which do nothing. None of them calls exit (but os.exit of a script
 * does), prints, or installs a signal handler, but that gilua_open and gilua_attach take the signal that preempts
 * (config.signal_number, by default SIGURG; a handler that was there still gets what is not ours, of SIGURG all; preempt =
 * GILUA_PREEMPT_COUNT needs no signal), and SIGINT if config.handle_sigint.
 *
 * fork by a thread that is inside makes it the main and only thread of the runtime in the child. In the child of a
 * thread that is outside the runtime is closed: calls on it return GILUA_ECLOSING; others may be opened.
 *
 * "The main thread" of a runtime is the one that opened it. Below: Owns, who frees what; Threads, which may call; Lock,
 * what happens to the lock; Blocks; Fails.
 */
#ifndef GILUA_H
#define GILUA_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#include <lua.h> /* inside: the headers of lua.org have no extern "C" of their own */

#define GILUA_VERSION "0.1"

/* A runtime, as a host holds it. The handle stays readable after gilua_close, so that a thread that comes too late gets
 * GILUA_ECLOSING (until a thousand more runtimes were closed). */
typedef struct gilua_Runtime gilua_Runtime;

/* What calls return; gilua_strerror says it in words. */
enum {
  GILUA_OK = 0,
  GILUA_ECLOSING = -1,  /* the runtime is closing or closed */
  GILUA_ENOMEM = -2,    /* no memory, or no thread, descriptor or other resource of the system */
  GILUA_EOUTSIDE = -3,  /* the calling thread is not inside: no gilua_enter before */
  GILUA_ETIMEOUT = -4,  /* time ran out */
  GILUA_EINVAL = -5,    /* an argument or a field of the configuration is out of range */
  GILUA_ELUA = -6,      /* Lua raised an error: gilua_error has it as text */
  GILUA_ETHREAD = -7,   /* only the main thread may do this, from outside */
  GILUA_EINTERRUPTED = -8, /* Ctrl-C, a cancel or an exit is pending; gilua_check raises it */
  GILUA_EFINALIZER = -9, /* inside a finalizer (__gc) nothing waits */
  GILUA_EEXISTS = -10   /* the state has a runtime already */
};

/* Who is next for the lock. */
enum {
  GILUA_POLICY_FAIR = 0,     /* like the kernel's fair scheduler */
  GILUA_POLICY_INTERVAL = 1, /* CPython's rule: everybody waits an interval */
  GILUA_POLICY_TICKS = 2     /* Python 2's: every 100 VM instructions */
};

/* How a running thread is made to leave the lock. */
enum {
  GILUA_PREEMPT_SIGNAL = 0, /* a signal to that thread; costs nothing while nobody waits */
  GILUA_PREEMPT_COUNT = 1,  /* a count hook, always on: about half the speed; for hosts that own every signal */
  GILUA_PREEMPT_NONE = 2    /* not at all: only calls that wait let others run */
};

/* What scripts may reach, to be or-ed. 0 in the configuration means GILUA_LIB_ALL. Always there: the basic functions
 * without dofile and loadfile, load for text only, coroutine, string without dump, table, math, utf8, os.clock,
 * os.date, os.difftime, os.time, debug.traceback, print, gilua.time, and require for what is loaded already. */
enum {
  GILUA_LIB_SAFE = 1 << 0,      /* nothing more: no files, processes, C libraries, bytecode or introspection */
  GILUA_LIB_THREADS = 1 << 1,   /* gilua.threading, gilua.queue, gilua.futures with threads */
  GILUA_LIB_IO = 1 << 2,        /* io without popen, dofile, loadfile, os.remove, os.rename, os.tmpname, gilua.gil */
  GILUA_LIB_PROCESSES = 1 << 3, /* io.popen, os.execute, os.exit, os.getenv, os.setlocale, gilua.futures with pools of
                                   processes, gilua.multiprocessing, gilua.pickle, gilua.signal: a command may do anything */
  GILUA_LIB_PACKAGES = 1 << 4,  /* require of Lua and C files, package.*: a C module may do anything */
  GILUA_LIB_BYTECODE = 1 << 5,  /* load of binary chunks, string.dump: bad bytecode can crash the process */
  GILUA_LIB_DEBUG = 1 << 6,     /* the whole of debug, which reaches the registry and what functions keep, and can crash
                                   the process: for scripts that are trusted */
  GILUA_LIB_NATIVE = 1 << 7,    /* gilua.native: memory of its buffers is not under memory_limit_bytes */
  GILUA_LIB_CTYPES = 1 << 8,    /* gilua.ctypes: C functions may do anything */
  GILUA_LIB_SOCKETS = 1 << 9,   /* gilua.socket; GearmanExecutor in gilua.futures */
  GILUA_LIB_ALL = 0x7fffffff    /* also every module not named here */
};

/* The configuration; zero is the default everywhere. It is copied, and may go when the call has returned. */
typedef struct gilua_Config {
  int policy;                 /* GILUA_POLICY_…; default FAIR */
  int64_t switch_interval_ns; /* how long a thread may keep the lock while others wait; 1 000 … 1e9, default 5e6 */
  int preempt;                /* GILUA_PREEMPT_…; default SIGNAL */
  int signal_number;          /* the signal that preempts; default SIGURG. Not SIGINT, SIGKILL, SIGSTOP or a fault */
  int handle_sigint;          /* not 0: Ctrl-C interrupts the main thread, a second one within a second ends the process.
                                 One runtime of a process at a time */
  lua_Alloc allocator;        /* of the Lua heap, called with the lock; default: our own. Not for gilua_attach */
  void *allocator_data;       /* its first argument */
  size_t stack_size_bytes;    /* of threads that Lua starts: at least 1 MiB, default the system's */
  unsigned libraries;         /* GILUA_LIB_…; default ALL. Not for gilua_attach */
  size_t memory_limit_bytes;  /* of the Lua heap; beyond it Lua raises "not enough memory". Default no limit. Not for
                                 gilua_attach */
  int64_t shutdown_timeout_ns; /* gilua_close: how long to wait for gilua_drop, threads that are no daemons and what pools
                                 have to do (default for ever), and then once more for cancelled threads to end (default
                                 1 s). If it is set gilua_close returns then, even if a thread keeps the lock in C code;
                                 lua_close of an attached state does unless one does */
  /* Told of errors that nobody else gets: uncaught in a thread, or a thread that ended inside. Called with the lock, on
   * any thread; it must not use Lua. Default: nobody is told. */
  void (*on_error)(void *data, const char *text);
  void *on_error_data;        /* its first argument */
  int warnings;               /* not 0: warn() starts on; it writes to stderr as the standard one. Not for gilua_attach */
  int ignore_environment;     /* not 0: LUA_PATH and friends do not count (lua -E). Not for gilua_attach */
  int handle_signals;         /* not 0: scripts may handle signals of the process (gilua.signal), in the main thread when
                                 that is inside. One runtime of a process at a time; gilua_close puts back what was */
} gilua_Config;

/* gilua_open makes a runtime with a Lua state of its own, the standard libraries and gilua's modules. config may be
 * NULL. The caller becomes its main thread, and is outside: the lock is free.
 * Owns: the runtime, until gilua_close. Threads: any. Blocks: no. Fails: GILUA_ENOMEM, GILUA_EINVAL; then *rt is
 * NULL. */
int gilua_open(gilua_Runtime **rt, const gilua_Config *config);

/* gilua_close ends a runtime: waits until every gilua_keep is dropped, lets nobody in any more, joins threads that are
 * no daemons, cancels the others (native threads that are inside, too), and closes the Lua state, when they have all
 * ended. For an attached runtime the state stays the caller's: it goes on alone, with the standard functions back.
 * Threads: the main thread, outside (an attached runtime: inside once). Lock: takes it. Blocks: for threads, see
 * shutdown_timeout_ns. Fails: GILUA_ETHREAD; GILUA_EFINALIZER, also amid lua_close, which ends an attached runtime by
 * itself; GILUA_ECLOSING if it is closing; GILUA_ETIMEOUT if threads were left in native code, or with the lock: they
 * never get it again, and the memory of the state is not freed (nor may an attached state be used). */
int gilua_close(gilua_Runtime *rt);

/* gilua_attach gives threads to a state that the host has made, which runs on the calling thread: the standard
 * functions that must know of threads are replaced, the modules registered in package.preload. The caller becomes the
 * main thread and is inside, once: it has the lock, and goes on using L; gilua_leave lets others in while it does not.
 * `require "gilua"` in a stock interpreter does the same. The state may simply be closed by lua_close, with the lock:
 * that waits for threads. Owns: the runtime, until gilua_close or lua_close. Threads: the one that runs L. Fails:
 * GILUA_ENOMEM, GILUA_EINVAL, GILUA_EEXISTS (*rt is the one that L has), GILUA_ELUA: a hook of the host raised an error. */
int gilua_attach(lua_State *L, const gilua_Config *config, gilua_Runtime **rt);

/* luaopen_gilua opens the module "gilua"; in a state without a runtime it attaches one, with the default configuration
 * and errors of threads going to stderr. It is what gilua.so on package.cpath exports, and an opener for each of its
 * modules (luaopen_gilua_threading …), which may be required first. */
int luaopen_gilua(lua_State *L);

/* gilua_enter takes the lock, in turn, and gives the calling thread a Lua state of its own; nested calls count and give
 * the state that runs. A nested call inside a region of gilua_native.h takes the lock back until its gilua_leave. The
 * first call of a thread makes its state and unblocks the signal that preempts; both stay until the thread or the
 * runtime ends. A thread that is inside another runtime leaves the lock of that one until its gilua_leave: no thread
 * has two locks. Run Lua code by gilua_call or lua_pcall only: an error outside of one ends the process.
 * Owns: L stays the runtime's. Threads: any. Blocks: until its turn, never for ever: when the runtime closes it fails.
 * Fails: GILUA_ECLOSING, GILUA_ENOMEM; then *L is NULL. Keeps errno. */
int gilua_enter(gilua_Runtime *rt, lua_State **L);

/* gilua_leave undoes one gilua_enter; L is what that gave. The outermost one sets L's stack back and drops the lock. A
 * thread that ends without it is taken out, and config.on_error told. Threads: one that is inside. Fails:
 * GILUA_EOUTSIDE. */
int gilua_leave(gilua_Runtime *rt, lua_State *L);

/* gilua_keep makes gilua_close wait until gilua_drop, so that gilua_enter goes on working; counted.
 * Threads: any. Lock: does not matter. Fails: GILUA_ECLOSING. gilua_drop without gilua_keep does nothing, or lets
 * somebody else's go. */
int gilua_keep(gilua_Runtime *rt);
void gilua_drop(gilua_Runtime *rt);

/* gilua_run_string, gilua_run_file run a chunk, protected, and throw its results away. chunkname may be NULL. path
 * NULL: the standard input. argv[0] … argv[argc-1] become `arg` and the chunk's arguments: argv[0] is arg[0], the rest
 * is "…"; with argc 0, arg[0] is the path. Threads: any, inside or not: they enter by themselves. Lock: takes it.
 * Fails: as gilua_enter, GILUA_ELUA. */
int gilua_run_string(gilua_Runtime *rt, const char *code, const char *chunkname);
int gilua_run_file(gilua_Runtime *rt, const char *path, int argc, char **argv);

/* gilua_call is lua_pcall with a traceback: the function and nargs arguments on top of L are replaced by nresults
 * results, or by a message, the error with its traceback. Threads: one that is inside. Fails: GILUA_ELUA,
 * GILUA_EOUTSIDE. */
int gilua_call(gilua_Runtime *rt, lua_State *L, int nargs, int nresults);

/* gilua_error is the text of the last GILUA_ELUA that the calling thread got from gilua_run_…, "" if none. Owns: the
 * text is the library's, until the thread's next such call. Threads: any. */
const char *gilua_error(gilua_Runtime *rt);

/* gilua_interrupt does what Ctrl-C does: `interrupted` is raised in the main thread at its next instruction or in its
 * wait. Late ones are dropped, see below. Async-signal-safe. Threads: any. Lock: does not matter. Never together with
 * gilua_close. */
void gilua_interrupt(gilua_Runtime *rt);

/* gilua_interrupt_thread does it to another thread of the host: the one whose L, as its outermost gilua_enter gave it, this
 * is. An interrupt that comes when nothing of Lua runs in its thread any more is dropped: at the thread's next outermost
 * gilua_enter, gilua_call or gilua_run_… . Threads: any; not in a signal handler. Lock: does not matter. Fails:
 * GILUA_EINVAL, GILUA_EOUTSIDE: no thread that is known has that L. */
int gilua_interrupt_thread(gilua_Runtime *rt, lua_State *L);

/* Counters of a runtime since it opened. */
typedef struct gilua_Stats {
  uint64_t switches;        /* the lock went to another thread */
  uint64_t forced_switches; /* of these, because the owner was asked */
  uint64_t signals;         /* sent to ask an owner */
  uint64_t threads;         /* inside or known now, the main thread included */
  uint64_t held_ns;         /* the lock was held, by threads that are known now */
  uint64_t waited_ns;       /* … waited for it */
  uint64_t longest_hold_ns; /* … held it at a stretch at most */
  uint64_t memory_bytes;    /* of the Lua heap, as Lua counts it */
  uint64_t pool_submitted;  /* tasks of pools so far; those of a collected pool are missing until it has done them */
  uint64_t pool_finished;   /* of these, done, failed or cancelled */
  uint64_t pool_queued;     /* tasks that no worker has begun now */
  uint64_t pool_busy_ns;    /* workers had a task, all together */
} gilua_Stats;

/* gilua_stats reads them. Threads: any; it enters. Fails: as gilua_enter. */
int gilua_stats(gilua_Runtime *rt, gilua_Stats *out);

/* gilua_strerror says what a code means. Owns: a constant text. */
const char *gilua_strerror(int err);

#ifdef __cplusplus
}
#endif

#endif
