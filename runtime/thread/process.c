/* The one file with mutable statics: what the system keeps once a process is kept here once a process too. That is the
 * calling thread's state (thread-local), the list of runtimes, and the handlers of signals and of fork.
 *
 * Guards       runtimes, and the handlers' registration: list_m. Signal handlers read `interrupted` only.
 * Lock order   list_m -> Gil.m of each runtime, in list order. fork takes both; the child finds every lock usable.
 * Fork         the fork table is fork_prepare / fork_parent / fork_child below: list_m, then for each runtime Gil.m and
 *              reap_m. A lock that is added anywhere in gilua is added there.
 */
#include "runtime/thread/process.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "runtime/os/clock.h"
#include "runtime/os/os.h"
#include "runtime/thread/hook.h"
#include "runtime/thread/request.h"

enum { SECOND_INTERRUPT_NS = 1000000000 };

_Thread_local Tstate *tstate_innermost __attribute__((tls_model("initial-exec")));

static pthread_mutex_t list_m = PTHREAD_MUTEX_INITIALIZER;
static Runtime *runtimes;                     /* guarded by list_m */
static bool fork_handlers, preempt_handler;   /* guarded by list_m; set once, never taken back */
static struct sigaction old_preempt, old_int, old_quit; /* written before the handler that reads them is installed */
static bool (*_Atomic quit_ask)(void *);      /* [a] released after quit_arg; the handler acquires it */
static void *_Atomic quit_arg;                /* [a] relaxed, see quit_ask */
static Runtime *_Atomic interrupted;          /* [a] whose main thread Ctrl-C interrupts; seq_cst, rarely touched */
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
  if ((old->sa_flags & SA_SIGINFO) != 0) old->sa_sigaction(sig, info, context);
  else if (old->sa_handler != SIG_DFL && old->sa_handler != SIG_IGN) old->sa_handler(sig);
}

/* Every runtime whose lock this thread owns is looked at: Lua of one may call C that is inside another. */
static void on_preempt(int sig, siginfo_t *info, void *context) {
  int saved = errno;
  for (Tstate *ts = tstate_innermost; ts != NULL; ts = ts->outer)
    if (gil_held(&ts->gil) && atomic_load_explicit(&ts->gil.requests, memory_order_relaxed) != 0) hook_arm_in_handler(ts);
  if (info == NULL || info->si_code != SI_TKILL || info->si_pid != getpid()) forward(&old_preempt, sig, info, context);
  errno = saved;
}

void process_interrupt(Runtime *rt) {
  Tstate *main = rt->main;
  atomic_fetch_or_explicit(&main->gil.requests, REQUEST_INTERRUPT, memory_order_seq_cst);
  gil_poke(&main->gil);
  for (Tstate *ts = tstate_innermost; ts != NULL; ts = ts->outer)
    if (ts == main && gil_held(&ts->gil)) hook_arm_in_handler(ts);
  gil_alarm(&rt->gil); /* if main runs elsewhere, or what was armed here gets lost */
}

static void on_sigint(int sig) {
  int saved = errno;
  Runtime *rt = atomic_load(&interrupted);
  int64_t now = clock_ns(), last = atomic_exchange_explicit(&interrupted_at, now, memory_order_relaxed);
  if (rt == NULL || (last != 0 && now - last < SECOND_INTERRUPT_NS)) {
    signal(sig, SIG_DFL);
    raise(sig);
  } else {
    process_interrupt(rt);
  }
  errno = saved;
}

static int install(int sig, void (*plain)(int), void (*full)(int, siginfo_t *, void *), struct sigaction *old) {
  struct sigaction act;
  memset(&act, 0, sizeof act);
  sigemptyset(&act.sa_mask);
  act.sa_flags = SA_RESTART | SA_ONSTACK;
  if (full != NULL) {
    act.sa_flags |= SA_SIGINFO;
    act.sa_sigaction = full;
  } else {
    act.sa_handler = plain;
  }
  return sigaction(sig, &act, old) == 0 ? 0 : errno;
}

void process_handle_sigint(Runtime *rt) {
  Runtime *before = atomic_exchange(&interrupted, rt);
  if (rt != NULL && before == NULL) install(SIGINT, on_sigint, NULL, &old_int);
  else if (rt == NULL && before != NULL) sigaction(SIGINT, &old_int, NULL);
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

void process_handle_sigquit(bool (*ask)(void *arg), void *arg) {
  bool was = atomic_load_explicit(&quit_ask, memory_order_relaxed) != NULL;
  if (ask == NULL && was) sigaction(SIGQUIT, &old_quit, NULL);
  atomic_store_explicit(&quit_arg, arg, memory_order_relaxed);
  atomic_store_explicit(&quit_ask, ask, memory_order_release);
  if (ask != NULL && !was) install(SIGQUIT, on_sigquit, NULL, &old_quit);
}

static void fork_prepare(void) {
  pthread_mutex_lock(&list_m);
  for (Runtime *rt = runtimes; rt != NULL; rt = rt->next) {
    gil_before_fork(&rt->gil);
    pthread_mutex_lock(&rt->reap_m);
  }
}

static void fork_parent(void) {
  for (Runtime *rt = runtimes; rt != NULL; rt = rt->next) {
    pthread_mutex_unlock(&rt->reap_m);
    gil_after_fork_parent(&rt->gil);
  }
  pthread_mutex_unlock(&list_m);
}

static Tstate *survivor_of(Runtime *rt) {
  for (Tstate *ts = tstate_innermost; ts != NULL; ts = ts->outer)
    if (ts->rt == rt) return gil_held(&ts->gil) ? ts : NULL;
  return NULL;
}

static void fork_child(void) {
  atomic_store_explicit(&quit_ask, NULL, memory_order_relaxed); /* the thread that serves it did not come along */
  for (Runtime *rt = runtimes; rt != NULL; rt = rt->next) {
    Tstate *ts = survivor_of(rt);
    pthread_mutex_unlock(&rt->reap_m);
    gil_after_fork_child(&rt->gil, ts != NULL ? &ts->gil : NULL);
    runtime_after_fork(rt, ts);
  }
  pthread_mutex_unlock(&list_m);
}

int process_add(Runtime *rt) {
  int err = 0;
  pthread_mutex_lock(&list_m);
  if (!fork_handlers) err = pthread_atfork(fork_prepare, fork_parent, fork_child);
  if (err != 0) goto out;
  fork_handlers = true;
  if (rt->preempt == PREEMPT_SIGNAL && !preempt_handler) err = install(PREEMPT_SIGNUM, NULL, on_preempt, &old_preempt);
  if (err != 0) goto out;
  if (rt->preempt == PREEMPT_SIGNAL) {
    sigset_t set;
    preempt_handler = true;
    sigemptyset(&set);
    sigaddset(&set, PREEMPT_SIGNUM);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL); /* hosts block everything in some threads */
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
  if (atomic_load(&interrupted) == rt) process_handle_sigint(NULL);
}
