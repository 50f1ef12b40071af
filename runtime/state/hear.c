/* See hear.h. The signal handler itself is in handlers.c. */
#include "runtime/state/hear.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/state/handlers.h"

int hear_open(Runtime *rt, void (*serve)(lua_State *L, Tstate *ts)) {
  if (rt->hearing != NULL) return 0;
  int err = gil_start_nudger(&rt->gil);
  if (err != 0) return err;
  Hearing *h = calloc(1, sizeof *h);
  if (h == NULL) return ENOMEM;
  rt->serve_signals = serve;
  rt->hearing = h;
  err = handlers_hear(rt);
  if (err == 0) return 0;
  rt->hearing = NULL;
  free(h);
  return err;
}

void hear_close(Runtime *rt) {
  Hearing *h = rt->hearing;
  if (h == NULL) return;
  for (int sig = 1; sig < NSIG; sig++)
    if (h->touched[sig]) sigaction(sig, &h->before[sig], NULL);
  handlers_unhear(rt);
  rt->hearing = NULL;
  free(h);
}

static int set_default(const Hearing *h, int sig) {
  struct sigaction act = {.sa_handler = SIG_DFL};
  const struct sigaction *before = &h->before[sig];
  bool ignored = (before->sa_flags & SA_SIGINFO) == 0 && before->sa_handler == SIG_IGN;
  bool by_us = (sig == SIGINT || sig == SIGQUIT) && !ignored;
  return sigaction(sig, by_us ? before : &act, NULL);
}

int hear_update(Runtime *rt, int sig) {
  Hearing *h = rt->hearing;
  struct sigaction ignore = {.sa_handler = SIG_IGN};
  int result = 0;
  if (!h->touched[sig]) {
    if (sigaction(sig, NULL, &h->before[sig]) != 0) return errno;
    h->touched[sig] = true;
  }
  if (hear_is_ours(h, sig)) result = handlers_hear_signal(sig);
  else if (h->action[sig] == HEAR_IGNORE) result = sigaction(sig, &ignore, NULL);
  else if (h->action[sig] == HEAR_DEFAULT) result = set_default(h, sig);
  else result = sigaction(sig, &h->before[sig], NULL);
  return result == 0 ? 0 : errno;
}

bool hear_take(Hearing *h, int sig) {
  if (atomic_load(&h->heard[sig]) == 0) return false;
  atomic_fetch_sub(&h->heard[sig], 1); /* nobody else without the lock takes any */
  return true;
}

bool hear_ignored(const Runtime *rt, sigset_t *set) {
  const Hearing *h = rt->hearing;
  bool any = false;
  sigemptyset(set);
  for (int sig = 1; h != NULL && sig < NSIG; sig++) {
    if (h->action[sig] != HEAR_IGNORE || h->waited[sig] > 0) continue;
    sigaddset(set, sig);
    any = true;
  }
  return any;
}

void hear_after_fork(Runtime *rt, bool same) {
  Hearing *h = rt->hearing;
  if (h == NULL) return;
  for (int sig = 1; sig < NSIG; sig++) {
    atomic_store(&h->heard[sig], 0);
    if (!same) h->running[sig] = false;
    if (h->waited[sig] == 0) continue;
    h->waited[sig] = 0; /* who forks does not wait */
    hear_update(rt, sig);
  }
  if (!same) h->depth = 0;
}

void hear_forget(Runtime *rt) {
  Hearing *h = rt->hearing;
  sigset_t ignored;
  if (h == NULL) return;
  hear_ignored(rt, &ignored);
  for (int sig = 1; sig < NSIG; sig++) {
    bool inherited = (h->before[sig].sa_flags & SA_SIGINFO) == 0 && h->before[sig].sa_handler == SIG_IGN;
    /* SIGINT and SIGQUIT are as pools have them */
    if (sigismember(&ignored, sig) && !inherited && sig != SIGINT && sig != SIGQUIT) signal(sig, SIG_DFL);
  }
  memset(h, 0, sizeof *h);
}
