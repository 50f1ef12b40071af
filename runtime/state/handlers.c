#include "runtime/state/handlers.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/os/clock.h"
#include "runtime/os/os.h"
#include "runtime/state/hear.h"
#include "runtime/state/hook.h"
#include "runtime/state/once.h"
#include "runtime/state/request.h"

enum { SECOND_INTERRUPT_NS = 1000000000, MOST_TAKES = 4 };
#define FORGET_TAKES_NS 10000000000 /* a library that takes our signal now and then costs one late ask each time */

static void forward(const struct sigaction *old, int sig, siginfo_t *info, void *context) {
  if (old->sa_flags == 0 && old->sa_handler == SIG_DFL) return;
  if ((old->sa_flags & SA_SIGINFO) != 0) old->sa_sigaction(sig, info, context);
  else if (old->sa_handler != SIG_DFL && old->sa_handler != SIG_IGN) old->sa_handler(sig);
}

static bool same_handler(const struct sigaction *a, const struct sigaction *b) {
  return a->sa_flags == b->sa_flags && a->sa_handler == b->sa_handler;
}

/* No handler stood there ever: what most programs have. */
static bool is_nobody(const OldAction *old) {
  if (old->older != NULL || (old->act.sa_flags & SA_SIGINFO) != 0) return false;
  return old->act.sa_handler == SIG_DFL || old->act.sa_handler == SIG_IGN;
}

/* Passes on a signal that is not ours. A library that was installed after us may pass it back; or it has called us, and then
 * the one before it is meant. */
static void pass_on(int sig, siginfo_t *info, void *context) {
  struct sigaction there;
  const OldAction *old = atomic_load_explicit(&once.old_preempt[sig], memory_order_acquire);
  if (once_passing_on || old == NULL || is_nobody(old) || sigaction(sig, NULL, &there) != 0) return;
  while (old != NULL && same_handler(&old->act, &there)) old = old->older;
  if (old == NULL) return;
  once_passing_on = 1;
  forward(&old->act, sig, info, context);
  once_passing_on = 0;
}

/* Every runtime whose lock this thread owns is looked at: Lua of one may call C that is inside another. The kernel keeps one
 * pending signal of a number, so ours may stand for another's, too, which a runtime like Go's would wait for: handlers of SIGURG
 * look for themselves what there is, and are called for each. */
static void on_preempt(int sig, siginfo_t *info, void *context) {
  int saved = errno;
  bool is_ours = false;
  for (Tstate *ts = tstate_innermost; ts != NULL; ts = ts->outer) {
    is_ours |= gil_heard(&ts->gil);
    if (gil_held(&ts->gil) && atomic_load_explicit(&ts->gil.requests, memory_order_relaxed) != 0)
      hook_arm_in_handler(ts);
  }
  if (!is_ours || sig == SIGURG) pass_on(sig, info, context);
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
  gil_alarm_calls(&target->rt->gil); /* if what was armed gets lost */
}

void handlers_interrupt_thread(Tstate *target) { request_anywhere(target, REQUEST_INTERRUPT); }

void handlers_interrupt(Runtime *rt) { handlers_interrupt_thread(rt->main); }

static void on_heard(int sig) {
  int saved = errno;
  Runtime *rt = atomic_load(&once.hears);
  if (rt != NULL) {
    atomic_fetch_add(&rt->hearing->heard[sig], 1);
    request_anywhere(rt->main, REQUEST_SIGNAL);
  }
  errno = saved;
}

static bool is_installed(int sig) {
  struct sigaction there;
  return sigaction(sig, NULL, &there) == 0 && handlers_is_ours(&there);
}

/* What no runtime waits for belongs to a host's handler: that before ours, unless it is the one in front, which has passed it
 * on. False: there is none. */
static bool leave_to_host(int sig, siginfo_t *info, void *context) {
  struct sigaction there;
  bool front = sigaction(sig, NULL, &there) == 0 && !handlers_is_ours(&there);
  bool none = (once.old_int.sa_flags & SA_SIGINFO) == 0 && once.old_int.sa_handler == SIG_DFL;
  if (!front && none) return false;
  if (once_passing_on || (front && same_handler(&once.old_int, &there))) return true;
  once_passing_on = 1;
  forward(&once.old_int, sig, info, context);
  once_passing_on = 0;
  return true;
}

static void on_sigint(int sig, siginfo_t *info, void *context) {
  int saved = errno;
  Runtime *rt = atomic_load(&once.interrupted);
  if (rt == NULL && leave_to_host(sig, info, context)) {
    errno = saved;
    return;
  }
  int64_t now = clock_ns(), last = atomic_exchange_explicit(&once.interrupted_at, now, memory_order_relaxed);
  if (rt == NULL || (last != 0 && now - last < SECOND_INTERRUPT_NS)) {
    signal(sig, SIG_DFL);
    raise(sig);
  } else {
    handlers_interrupt(rt);
  }
  errno = saved;
}

void handlers_interrupt_served(void) { atomic_store_explicit(&once.interrupted_at, 0, memory_order_relaxed); }

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
  tcsetattr(STDIN_FILENO, TCSADRAIN, &once.kept_modes);
  forward(&once.old_cont, sig, info, context);
  errno = saved;
}

void handlers_keep_terminal(const struct termios *modes) {
  if (once.keeps_terminal) sigaction(SIGCONT, &once.old_cont, NULL);
  once.keeps_terminal = modes != NULL;
  if (modes == NULL) return;
  once.kept_modes = *modes;
  install(SIGCONT, NULL, on_sigcont, &once.old_cont);
}

static void on_sigquit(int sig) {
  int saved = errno;
  bool (*ask)(void *) = atomic_load_explicit(&once.quit_ask, memory_order_acquire);
  if (ask == NULL || !ask(atomic_load_explicit(&once.quit_arg, memory_order_relaxed))) {
    signal(sig, SIG_DFL);
    raise(sig);
  }
  errno = saved;
}

bool handlers_is_ours(const struct sigaction *act) {
  if ((act->sa_flags & SA_SIGINFO) == 0) return act->sa_handler == on_sigquit || act->sa_handler == on_heard;
  return act->sa_sigaction == on_preempt || act->sa_sigaction == on_sigint;
}

static Runtime *runtime_of_gil(Gil *g) { return (Runtime *)((char *)g - offsetof(Runtime, gil)); }

/* With Once.list_m: puts our handler before the one that is there. */
int handlers_preempt(int sig) {
  struct sigaction there;
  if (sigaction(sig, NULL, &there) != 0) return errno;
  if (handlers_is_ours(&there)) return 0;
  OldAction *older = atomic_load_explicit(&once.old_preempt[sig], memory_order_relaxed);
  if (older == NULL || !same_handler(&older->act, &there)) {
    OldAction *old = malloc(sizeof *old);
    if (old == NULL) return ENOMEM;
    *old = (OldAction){.act = there, .older = older};
    atomic_store_explicit(&once.old_preempt[sig], old, memory_order_release);
  }
  return install(sig, NULL, on_preempt, &there);
}

void handlers_unheard(Gil *g) {
  struct sigaction there;
  int sig = gil_ask_signal(g);
  if (sig == 0 || sigaction(sig, NULL, &there) != 0 || handlers_is_ours(&there)) return; /* it is late, or blocked */
  pthread_mutex_lock(&once.list_m);
  if (sigaction(sig, NULL, &there) != 0 || handlers_is_ours(&there)) { /* another runtime's nudger was here first */
    pthread_mutex_unlock(&once.list_m);
    return;
  }
  int64_t now = clock_ns();
  if (now - once.taken_at[sig] > FORGET_TAKES_NS) once.taken[sig] = 0;
  once.taken_at[sig] = now;
  bool again = ++once.taken[sig] > MOST_TAKES;
  handlers_preempt(sig); /* once more, so that the owner is asked and sees what follows */
  pthread_mutex_unlock(&once.list_m);
  void (*taker)(int) = there.sa_handler == SIG_DFL ? SIG_ERR : there.sa_handler; /* which is no NULL */
  if (again) atomic_store_explicit(&runtime_of_gil(g)->taker, taker, memory_order_relaxed);
}

void handlers_take_sigint(Runtime *rt) {
  Runtime *before = atomic_exchange(&once.interrupted, rt);
  bool there = is_installed(SIGINT); /* a host may have replaced it since: its own stays */
  if (rt != NULL && !there) install(SIGINT, NULL, on_sigint, &once.old_int);
  else if (rt == NULL && before != NULL && there) sigaction(SIGINT, &once.old_int, NULL);
}

int handlers_hear(Runtime *rt) {
  Runtime *nobody = NULL;
  return atomic_compare_exchange_strong(&once.hears, &nobody, rt) ? 0 : EBUSY;
}

int handlers_hear_signal(int sig) { return install(sig, on_heard, NULL, NULL) == 0 ? 0 : -1; }

void handlers_unhear(Runtime *rt) { atomic_compare_exchange_strong(&once.hears, &rt, NULL); }

void handlers_release_sigint(Runtime *rt) {
  if (atomic_load(&once.interrupted) == rt) handlers_take_sigint(NULL);
}

void handlers_take_sigquit(bool (*ask)(void *arg), void *arg) {
  bool was = atomic_load_explicit(&once.quit_ask, memory_order_relaxed) != NULL;
  if (ask == NULL && was && is_installed(SIGQUIT)) sigaction(SIGQUIT, &once.old_quit, NULL);
  atomic_store_explicit(&once.quit_arg, arg, memory_order_relaxed);
  atomic_store_explicit(&once.quit_ask, ask, memory_order_release);
  if (ask != NULL && !was) install(SIGQUIT, on_sigquit, NULL, &once.old_quit);
}
