/* The one file with mutable statics: what the system keeps once a process is kept here once a process too. That is the
 * calling thread's state (thread-local), the list of runtimes, and the handlers of signals and of fork.
 *
 * Guards       runtimes, and the handlers' registration: list_m. Signal handlers read atomics, and what is written
 *              before they are installed.
 * Lock order   list_m -> Gil.m of each runtime, in list order. fork takes both; the child finds every lock usable.
 * Fork         the fork table is fork_prepare / fork_parent / fork_child below: list_m, then for each runtime its
 *              door, the locks of its libraries (ForkLock), Gil.m, reap_m and unblock_m. A lock that is added anywhere
 *              in gilua is added there, but Engine.m: a child never touches the engines of its parent.
 *              What the child resets, since only those that did not come along would have given it back:
 *                threads, waits, unblocks, zombies, phase, exits   runtime_after_fork
 *                line, offer, spinners, nudger, watcher            gil_after_fork_child
 *                keeps, threads on their way, visits               reset_door
 *                who serves SIGQUIT                                fork_child
 */
#include "runtime/state/process.h"

#include <errno.h>
#include <link.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "runtime/os/clock.h"
#include "runtime/os/os.h"
#include "runtime/state/hear.h"
#include "runtime/state/hook.h"
#include "runtime/state/request.h"
#include "runtime/state/door.h"

enum { SECOND_INTERRUPT_NS = 1000000000, KEPT_DOORS = 1024, MOST_TAKES = 4 };
#define FORGET_TAKES_NS 10000000000 /* a library that takes our signal now and then costs one late ask each time */

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

_Thread_local Tstate *tstate_innermost __attribute__((tls_model("initial-exec")));
static _Thread_local volatile sig_atomic_t passing_on __attribute__((tls_model("initial-exec"))); /* in pass_on */
_Thread_local Visit *visit_first __attribute__((tls_model("initial-exec")));

static pthread_mutex_t list_m = PTHREAD_MUTEX_INITIALIZER;
static Runtime *runtimes;                     /* guarded by list_m */
static bool fork_handlers;                    /* guarded by list_m; set once, never taken back */
static unsigned forks;                        /* written by the only thread of a child */
static bool preempt_handler[NSIG];            /* the same, by signal */
static unsigned taken[NSIG];                  /* how often others have taken it lately; guarded by list_m */
static int64_t taken_at[NSIG];                /* ns, when they did last; the same */
static OldAction *_Atomic old_preempt[NSIG];  /* [a] released before the handler that acquires them is installed; never freed */
static struct sigaction old_int, old_quit, old_cont; /* written before the handler that reads them is installed */
static struct termios kept_modes;             /* the same */
static bool keeps_terminal;                   /* of the one thread that edits lines */
static Door *closed_first, *closed_last;      /* doors of runtimes that are closed, oldest first; guarded by list_m */
static unsigned closed_doors;                 /* how many those are; guarded by list_m */
static uint64_t door_serial;                  /* guarded by list_m */
static ModuleUse *module_uses;                /* modules that are safe in one runtime only; guarded by list_m */
static bool (*_Atomic quit_ask)(void *);      /* [a] released after quit_arg; the handler acquires it */
static void *_Atomic quit_arg;                /* [a] relaxed, see quit_ask */
static Runtime *_Atomic interrupted;          /* [a] whose main thread Ctrl-C interrupts; seq_cst, rarely touched */
static Runtime *_Atomic hears;                /* [a] whose Lua hears signals; seq_cst, rarely touched */
static _Atomic uint64_t own_libraries;         /* [a] relaxed: loaded so far while all code is ours; 0: there is other code */
static _Atomic int64_t interrupted_at;        /* [a] ns of the last Ctrl-C; relaxed: one thread takes SIGINT */

void tstate_enter(Tstate *ts) {
  ts->outer = tstate_innermost;
  atomic_signal_fence(memory_order_seq_cst); /* the handler of this thread walks the chain */
  tstate_innermost = ts;
}

void tstate_leave(Tstate *ts) {
  tstate_innermost = ts->outer;
  atomic_signal_fence(memory_order_seq_cst);
}

static void forward(const struct sigaction *old, int sig, siginfo_t *info, void *context) {
  if (old->sa_flags == 0 && old->sa_handler == SIG_DFL) return;
  if ((old->sa_flags & SA_SIGINFO) != 0) old->sa_sigaction(sig, info, context);
  else if (old->sa_handler != SIG_DFL && old->sa_handler != SIG_IGN) old->sa_handler(sig);
}

static bool same_handler(const struct sigaction *a, const struct sigaction *b) {
  return a->sa_flags == b->sa_flags && a->sa_handler == b->sa_handler;
}

/* Passes on a signal that is not ours. A library that was installed after us may pass it back; or it has called us, and then
 * the one before it is meant. */
static void pass_on(int sig, siginfo_t *info, void *context) {
  struct sigaction there;
  const OldAction *old = atomic_load_explicit(&old_preempt[sig], memory_order_acquire);
  if (passing_on || sigaction(sig, NULL, &there) != 0) return;
  while (old != NULL && same_handler(&old->act, &there)) old = old->older;
  if (old == NULL) return;
  passing_on = 1;
  forward(&old->act, sig, info, context);
  passing_on = 0;
}

/* Every runtime whose lock this thread owns is looked at: Lua of one may call C that is inside another. */
static void on_preempt(int sig, siginfo_t *info, void *context) {
  int saved = errno;
  bool is_ours = false;
  for (Tstate *ts = tstate_innermost; ts != NULL; ts = ts->outer) {
    is_ours |= gil_heard(&ts->gil);
    if (gil_held(&ts->gil) && atomic_load_explicit(&ts->gil.requests, memory_order_relaxed) != 0)
      hook_arm_in_handler(ts);
  }
  if (!is_ours) pass_on(sig, info, context);
  errno = saved;
}

/* Has target see a request wherever it is. In a signal handler, on any thread. */
static void request_anywhere(Tstate *target, uint32_t bit) {
  uint32_t before = atomic_fetch_or_explicit(&target->gil.requests, bit, memory_order_seq_cst);
  if (bit == REQUEST_SIGNAL && (before & bit) != 0) return; /* a storm: who set it sees to the rest */
  gil_poke(&target->gil);
  bool armed = false;
  for (Tstate *ts = tstate_innermost; ts != NULL; ts = ts->outer) {
    if (ts != target || !gil_held(&ts->gil)) continue;
    hook_arm_in_handler(ts);
    armed = true;
  }
  /* if it runs elsewhere */
  if (!armed) gil_signal(&target->gil);
  gil_alarm(&target->rt->gil); /* if what was armed gets lost */
}

void process_interrupt_thread(Tstate *target) { request_anywhere(target, REQUEST_INTERRUPT); }

void process_interrupt(Runtime *rt) { process_interrupt_thread(rt->main); }

static void on_heard(int sig) {
  int saved = errno;
  Runtime *rt = atomic_load(&hears);
  if (rt != NULL) {
    atomic_fetch_add(&rt->hearing->heard[sig], 1);
    request_anywhere(rt->main, REQUEST_SIGNAL);
  }
  errno = saved;
}

static bool is_installed(int sig) {
  struct sigaction there;
  return sigaction(sig, NULL, &there) == 0 && process_is_handler(&there);
}

/* What no runtime waits for belongs to a host's handler: that before ours, unless it is the one in front, which has passed it
 * on. False: there is none. */
static bool leave_to_host(int sig, siginfo_t *info, void *context) {
  struct sigaction there;
  bool front = sigaction(sig, NULL, &there) == 0 && !process_is_handler(&there);
  bool none = (old_int.sa_flags & SA_SIGINFO) == 0 && old_int.sa_handler == SIG_DFL;
  if (!front && none) return false;
  if (passing_on || (front && same_handler(&old_int, &there))) return true;
  passing_on = 1;
  forward(&old_int, sig, info, context);
  passing_on = 0;
  return true;
}

static void on_sigint(int sig, siginfo_t *info, void *context) {
  int saved = errno;
  Runtime *rt = atomic_load(&interrupted);
  if (rt == NULL && leave_to_host(sig, info, context)) {
    errno = saved;
    return;
  }
  int64_t now = clock_ns(), last = atomic_exchange_explicit(&interrupted_at, now, memory_order_relaxed);
  if (rt == NULL || (last != 0 && now - last < SECOND_INTERRUPT_NS)) {
    signal(sig, SIG_DFL);
    raise(sig);
  } else {
    process_interrupt(rt);
  }
  errno = saved;
}

void process_interrupt_taken(void) { atomic_store_explicit(&interrupted_at, 0, memory_order_relaxed); }

static int install(int sig, void (*plain)(int), void (*full)(int, siginfo_t *, void *), struct sigaction *old) {
  struct sigaction act;
  memset(&act, 0, sizeof act);
  sigfillset(&act.sa_mask); /* another handler may set a hook: not while ours does */
  act.sa_flags = SA_RESTART | SA_ONSTACK;
  if (full != NULL) {
    act.sa_flags |= SA_SIGINFO;
    act.sa_sigaction = full;
  } else {
    act.sa_handler = plain;
  }
  return sigaction(sig, &act, old) == 0 ? 0 : errno;
}

/* tcsetattr is safe in a handler; in a process that the shell put into the background it stops that again. */
static void on_sigcont(int sig, siginfo_t *info, void *context) {
  int saved = errno;
  tcsetattr(STDIN_FILENO, TCSADRAIN, &kept_modes);
  forward(&old_cont, sig, info, context);
  errno = saved;
}

void process_keep_terminal(const struct termios *modes) {
  if (keeps_terminal) sigaction(SIGCONT, &old_cont, NULL);
  keeps_terminal = modes != NULL;
  if (modes == NULL) return;
  kept_modes = *modes;
  install(SIGCONT, NULL, on_sigcont, &old_cont);
}

static void on_sigquit(int sig) {
  int saved = errno;
  bool (*ask)(void *) = atomic_load_explicit(&quit_ask, memory_order_acquire);
  if (ask == NULL || !ask(atomic_load_explicit(&quit_arg, memory_order_relaxed))) {
    signal(sig, SIG_DFL);
    raise(sig);
  }
  errno = saved;
}

static int note_loaded(struct dl_phdr_info *info, size_t size, void *loaded) {
  (void)size;
  *(uint64_t *)loaded = info->dlpi_adds;
  return 1;
}

/* How many libraries have been loaded since the process began, those with it included. */
static uint64_t libraries_loaded(void) {
  uint64_t loaded = 0;
  dl_iterate_phdr(note_loaded, &loaded);
  return loaded;
}

void process_all_ours(void) {
  bool preloaded = getenv("LD_PRELOAD") != NULL || getenv("LD_AUDIT") != NULL || access("/etc/ld.so.preload", F_OK) == 0;
  if (!preloaded) atomic_store_explicit(&own_libraries, libraries_loaded(), memory_order_relaxed);
}

void process_calls_others(void) { atomic_store_explicit(&own_libraries, 0, memory_order_relaxed); }

bool process_is_ours(void) {
  uint64_t own = atomic_load_explicit(&own_libraries, memory_order_relaxed);
  return own != 0 && own == libraries_loaded();
}

bool process_is_handler(const struct sigaction *act) {
  if ((act->sa_flags & SA_SIGINFO) == 0) return act->sa_handler == on_sigquit || act->sa_handler == on_heard;
  return act->sa_sigaction == on_preempt || act->sa_sigaction == on_sigint;
}

static Runtime *runtime_of_gil(Gil *g) { return (Runtime *)((char *)g - offsetof(Runtime, gil)); }

/* With list_m: puts our handler before the one that is there. */
static int put_in_front(int sig) {
  struct sigaction there;
  if (sigaction(sig, NULL, &there) != 0) return errno;
  if (process_is_handler(&there)) return 0;
  OldAction *older = atomic_load_explicit(&old_preempt[sig], memory_order_relaxed);
  if (older == NULL || !same_handler(&older->act, &there)) {
    OldAction *old = malloc(sizeof *old);
    if (old == NULL) return ENOMEM;
    *old = (OldAction){.act = there, .older = older};
    atomic_store_explicit(&old_preempt[sig], old, memory_order_release);
  }
  return install(sig, NULL, on_preempt, &there);
}

void process_unheard(Gil *g) {
  struct sigaction there;
  int sig = gil_ask_signal(g);
  if (sig == 0 || sigaction(sig, NULL, &there) != 0 || process_is_handler(&there)) return; /* it is late, or blocked */
  pthread_mutex_lock(&list_m);
  if (sigaction(sig, NULL, &there) != 0 || process_is_handler(&there)) { /* another runtime's nudger was here first */
    pthread_mutex_unlock(&list_m);
    return;
  }
  int64_t now = clock_ns();
  if (now - taken_at[sig] > FORGET_TAKES_NS) taken[sig] = 0;
  taken_at[sig] = now;
  bool again = ++taken[sig] > MOST_TAKES;
  put_in_front(sig); /* once more, so that the owner is asked and sees what follows */
  pthread_mutex_unlock(&list_m);
  void (*taker)(int) = there.sa_handler == SIG_DFL ? SIG_ERR : there.sa_handler; /* which is no NULL */
  if (again) atomic_store_explicit(&runtime_of_gil(g)->taker, taker, memory_order_relaxed);
}

void process_handle_sigint(Runtime *rt) {
  Runtime *before = atomic_exchange(&interrupted, rt);
  bool there = is_installed(SIGINT); /* a host may have replaced it since: its own stays */
  if (rt != NULL && !there) install(SIGINT, NULL, on_sigint, &old_int);
  else if (rt == NULL && before != NULL && there) sigaction(SIGINT, &old_int, NULL);
}

int process_hear(Runtime *rt) {
  Runtime *nobody = NULL;
  return atomic_compare_exchange_strong(&hears, &nobody, rt) ? 0 : EBUSY;
}

int process_hear_signal(int sig) { return install(sig, on_heard, NULL, NULL) == 0 ? 0 : -1; }

void process_unhear(Runtime *rt) { atomic_compare_exchange_strong(&hears, &rt, NULL); }

void process_release_sigint(Runtime *rt) {
  if (atomic_load(&interrupted) == rt) process_handle_sigint(NULL);
}

void process_handle_sigquit(bool (*ask)(void *arg), void *arg) {
  bool was = atomic_load_explicit(&quit_ask, memory_order_relaxed) != NULL;
  if (ask == NULL && was && is_installed(SIGQUIT)) sigaction(SIGQUIT, &old_quit, NULL);
  atomic_store_explicit(&quit_arg, arg, memory_order_relaxed);
  atomic_store_explicit(&quit_ask, ask, memory_order_release);
  if (ask != NULL && !was) install(SIGQUIT, on_sigquit, NULL, &old_quit);
}

/* A fork in native work, where the lock is out: the thread takes it meanwhile, so that its child has a heap that nobody was
 * changing. It does not wait for it: who forks may hold locks of its own that the owner of this one waits for. */
static void take_for_fork(Tstate *ts) { ts->took = !gil_held(&ts->gil) && gil_take_if_free(&ts->gil); }

static void leave_after_fork(Tstate *ts) {
  if (ts->took) gil_leave(&ts->gil);
  ts->took = false;
}

static void fork_prepare(void) {
  if (tstate_innermost != NULL) take_for_fork(tstate_innermost);
  pthread_mutex_lock(&list_m);
  for (Runtime *rt = runtimes; rt != NULL; rt = rt->next) {
    if (rt->door != NULL) pthread_mutex_lock(&rt->door->m);
    for (ForkLock *l = rt->fork_locks; l != NULL; l = l->next) pthread_mutex_lock(l->m);
    gil_before_fork(&rt->gil);
    pthread_mutex_lock(&rt->reap_m);
    pthread_mutex_lock(&rt->unblock_m);
  }
}

static void unlock_libraries(Runtime *rt) {
  for (ForkLock *l = rt->fork_locks; l != NULL; l = l->next) pthread_mutex_unlock(l->m);
}

static void fork_parent(void) {
  for (Runtime *rt = runtimes; rt != NULL; rt = rt->next) {
    pthread_mutex_unlock(&rt->unblock_m);
    pthread_mutex_unlock(&rt->reap_m);
    gil_after_fork_parent(&rt->gil);
    unlock_libraries(rt);
    if (rt->door != NULL) pthread_mutex_unlock(&rt->door->m);
  }
  pthread_mutex_unlock(&list_m);
  if (tstate_innermost != NULL) leave_after_fork(tstate_innermost);
}

static Tstate *survivor_of(Runtime *rt) {
  for (Tstate *ts = tstate_innermost; ts != NULL; ts = ts->outer)
    if (ts->rt == rt) return gil_held(&ts->gil) ? ts : NULL;
  return NULL;
}

/* With its mutex: leaves ts, NULL: nobody, behind the door. What ts kept it need not drop: it does not wait for itself. */
static void reset_door(Door *door, const Tstate *ts) {
  door->keeps = door->moving = 0;
  door->visits = NULL;
  for (Visit *v = visit_first; v != NULL; v = v->next) {
    if (ts == NULL || v->ts != ts || ts->owned) continue;
    v->beside = door->visits;
    door->visits = v;
  }
  if (ts == NULL) atomic_store(&door->state, DOOR_CLOSING); /* nobody comes in any more, nor ends it */
}

/* The only thread of the child is as the program's main one. */
static void open_signals(void) {
  sigset_t mask;
  pthread_sigmask(SIG_SETMASK, NULL, &mask);
  for (Tstate *ts = tstate_innermost; ts != NULL; ts = ts->outer) {
    signals_open(&mask, &ts->blocked);
    sigemptyset(&ts->blocked);
  }
  pthread_sigmask(SIG_SETMASK, &mask, NULL);
}

unsigned process_forks(void) { return forks; }

static void fork_child(void) {
  forks++;
  open_signals();
  atomic_store_explicit(&quit_ask, NULL, memory_order_relaxed); /* the thread that serves it did not come along */
  for (Runtime *rt = runtimes; rt != NULL; rt = rt->next) {
    Tstate *ts = survivor_of(rt);
    pthread_mutex_unlock(&rt->unblock_m);
    pthread_mutex_unlock(&rt->reap_m);
    gil_after_fork_child(&rt->gil, ts != NULL ? &ts->gil : NULL);
    unlock_libraries(rt);
    runtime_after_fork(rt, ts);
    if (rt->door == NULL) continue;
    reset_door(rt->door, ts);
    pthread_mutex_unlock(&rt->door->m);
  }
  pthread_mutex_unlock(&list_m);
  if (tstate_innermost != NULL) leave_after_fork(tstate_innermost);
}

int process_add(Runtime *rt) {
  int err = 0;
  pthread_mutex_lock(&list_m);
  if (!fork_handlers) err = pthread_atfork(fork_prepare, fork_parent, fork_child);
  if (err != 0) goto out;
  fork_handlers = true;
  if (rt->preempt == PREEMPT_SIGNAL && !preempt_handler[rt->signal])
    err = put_in_front(rt->signal);
  if (err != 0) goto out;
  if (rt->preempt == PREEMPT_SIGNAL) {
    preempt_handler[rt->signal] = true;
    os_unblock_signal(rt->signal); /* hosts block everything in some threads */
  }
  rt->next = runtimes;
  runtimes = rt;
out:
  pthread_mutex_unlock(&list_m);
  return err;
}

void process_remove(Runtime *rt) {
  pthread_mutex_lock(&list_m);
  for (Runtime **p = &runtimes; *p != NULL; p = &(*p)->next) {
    if (*p != rt) continue;
    *p = rt->next;
    break;
  }
  pthread_mutex_unlock(&list_m);
  process_release_sigint(rt);
}

void process_add_fork_lock(Runtime *rt, ForkLock *l) {
  pthread_mutex_lock(&list_m);
  l->next = rt->fork_locks;
  rt->fork_locks = l;
  pthread_mutex_unlock(&list_m);
}

void process_remove_fork_lock(Runtime *rt, ForkLock *l) {
  pthread_mutex_lock(&list_m);
  for (ForkLock **p = &rt->fork_locks; *p != NULL; p = &(*p)->next) {
    if (*p != l) continue;
    *p = l->next;
    break;
  }
  pthread_mutex_unlock(&list_m);
}

static _Thread_local char *last_error; /* of gilua_run_… on this thread */

void process_set_error(const char *text) {
  char *copy = strdup(text);
  if (copy == NULL) return;
  free(last_error);
  last_error = copy;
  process_watch_thread();
}

const char *process_error(void) { return last_error != NULL ? last_error : ""; }

static void on_thread_exit(void *unused) {
  (void)unused;
  free(last_error);
  last_error = NULL;
  while (visit_first != NULL) visit_first->forget(visit_first);
}

static pthread_once_t exit_once = PTHREAD_ONCE_INIT;
static pthread_key_t exit_key;
static int exit_error; /* written by exit_once, as exit_key */

static void make_exit_key(void) { exit_error = pthread_key_create(&exit_key, on_thread_exit); }

int process_watch_thread(void) {
  pthread_once(&exit_once, make_exit_key);
  return exit_error != 0 ? exit_error : pthread_setspecific(exit_key, &exit_key);
}

Door *process_new_door(void) {
  Door *d = NULL;
  pthread_mutex_lock(&list_m);
  if (closed_doors > KEPT_DOORS) {
    d = closed_first;
    closed_first = d->next;
    closed_doors--;
  }
  uint64_t serial = ++door_serial;
  pthread_mutex_unlock(&list_m);
  if (d == NULL) {
    d = calloc(1, sizeof *d);
    if (d == NULL) return NULL;
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_mutex_init(&d->m, NULL);
    pthread_cond_init(&d->c, &attr);
    pthread_condattr_destroy(&attr);
  }
  atomic_store(&d->serial, serial);
  d->next = NULL;
  return d;
}

void process_end_door(Door *d) {
  pthread_mutex_lock(&list_m);
  if (closed_doors == 0) closed_first = d;
  else closed_last->next = d;
  closed_last = d;
  closed_doors++;
  pthread_mutex_unlock(&list_m);
}

int process_use_module(Door *d, const char *name) {
  int err = 0;
  uint64_t serial = atomic_load(&d->serial);
  pthread_mutex_lock(&list_m);
  ModuleUse *use = module_uses;
  while (use != NULL && strcmp(use->name, name) != 0) use = use->next;
  if (use == NULL) {
    use = malloc(sizeof *use + strlen(name) + 1);
    if (use == NULL) {
      err = ENOMEM;
    } else {
      strcpy(use->name, name);
      use->next = module_uses;
      use->door = d;
      use->serial = serial;
      module_uses = use;
    }
  } else if (use->door != d || use->serial != serial) {
    bool gone = atomic_load(&use->door->serial) != use->serial || atomic_load(&use->door->state) == DOOR_CLOSED;
    if (!gone) err = EBUSY;
    use->door = gone ? d : use->door;
    use->serial = gone ? serial : use->serial;
  }
  pthread_mutex_unlock(&list_m);
  return err;
}
