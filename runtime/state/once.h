/* What a process has once, as the system has it once: the list of runtimes, what stood before our signal handlers, the doors
 * of runtimes that are closed. The one place with mutable statics.
 *
 * Guards       [l] list_m   [b] written before the handler that reads it is installed   [a] atomic, the order said with it
 * Lock order   list_m -> Gil.m of each runtime, in list order. fork takes both (at_fork.c).
 */
#ifndef GILUA_RUNTIME_STATE_ONCE_H
#define GILUA_RUNTIME_STATE_ONCE_H

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <termios.h>

#include "runtime/state/door.h"
#include "runtime/state/runtime.h"

/* A module that is safe in one runtime of a process, and the door of that one. */
typedef struct ModuleUse {
  struct ModuleUse *next;
  uint64_t serial;
  Door *door;
  char name[];
} ModuleUse;

/* Whose handler stood where ours was put. */
typedef struct OldAction {
  struct sigaction act;
  struct OldAction *older; /* what stood there before; a handler may still read it */
} OldAction;

typedef struct Once {
  pthread_mutex_t list_m;
  Runtime *runtimes;                     /* [l] */
  bool fork_handlers;                    /* [l] set once, never taken back */
  unsigned forks;                        /* written by the only thread of a child */
  bool preempt_handler[NSIG];            /* [l] by signal: ours was installed */
  unsigned taken[NSIG];                  /* [l] how often others have taken it lately */
  int64_t taken_at[NSIG];                /* [l] ns, when they did last */
  OldAction *_Atomic old_preempt[NSIG];  /* [a] released before the handler that acquires them is installed; never freed */
  struct sigaction old_int, old_quit, old_cont; /* [b] */
  struct termios kept_modes;             /* [b] */
  bool keeps_terminal;                   /* of the one thread that edits lines */
  Door *closed_first, *closed_last;      /* [l] doors of runtimes that are closed, oldest first */
  unsigned closed_doors;                 /* [l] how many those are */
  uint64_t door_serial;                  /* [l] */
  ModuleUse *module_uses;                /* [l] modules that are safe in one runtime only */
  bool (*_Atomic quit_ask)(void *);      /* [a] released after quit_arg; the handler acquires it */
  void *_Atomic quit_arg;                /* [a] relaxed, see quit_ask */
  Runtime *_Atomic interrupted;          /* [a] whose main thread Ctrl-C interrupts; seq_cst, rarely touched */
  Runtime *_Atomic hears;                /* [a] whose Lua hears signals; seq_cst, rarely touched */
  _Atomic uint64_t own_libraries;        /* [a] relaxed: loaded so far while all code is ours; 0: there is other code */
  _Atomic int64_t interrupted_at;        /* [a] ns of the last Ctrl-C; relaxed: one thread takes SIGINT */
  pthread_once_t exit_once;
  pthread_key_t exit_key;                /* written by exit_once */
  int exit_error;                        /* the same: an errno of making the key */
} Once;

extern Once once;

/* The calling thread's: it is passing on a signal; and its text of process_error. */
extern _Thread_local volatile sig_atomic_t once_passing_on __attribute__((tls_model("initial-exec")));
extern _Thread_local char *once_error;

#endif
