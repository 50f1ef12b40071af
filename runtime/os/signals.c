/* Making masks; the policy is in signals.h. */
#include "runtime/os/signals.h"

#include <pthread.h>
#include <stddef.h>
#include <string.h>

#define LENGTH(a) (sizeof(a) / sizeof(a)[0])

static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS};
static const int services[] = {SIGHUP,  SIGINT,  SIGQUIT, SIGTERM, SIGALRM, SIGUSR1,  SIGUSR2,
                               SIGCHLD, SIGTSTP, SIGTTIN, SIGTTOU, SIGWINCH, SIGIO};

static void open_faults(sigset_t *mask, int sig) {
  for (size_t i = 0; i < LENGTH(faults); i++) sigdelset(mask, faults[i]);
  if (sig != 0) sigdelset(mask, sig);
}

void os_block_signals(int sig, sigset_t *old) {
  sigset_t mask;
  sigfillset(&mask);
  open_faults(&mask, sig);
  pthread_sigmask(SIG_SETMASK, &mask, old);
}

void os_unblock_signal(int sig) {
  sigset_t mask;
  sigemptyset(&mask);
  sigaddset(&mask, sig);
  pthread_sigmask(SIG_UNBLOCK, &mask, NULL);
}

static bool has_handler(int sig, bool (*is_ours)(const struct sigaction *)) {
  struct sigaction act;
  if (sigaction(sig, NULL, &act) != 0 || is_ours(&act)) return false;
  return (act.sa_flags & SA_SIGINFO) != 0 || (act.sa_handler != SIG_DFL && act.sa_handler != SIG_IGN);
}

static void block_services(sigset_t *mask, int sig, bool (*is_ours)(const struct sigaction *), sigset_t *blocked) {
  for (size_t i = 0; i < LENGTH(services); i++) {
    if (services[i] == sig || sigismember(mask, services[i]) || !has_handler(services[i], is_ours)) continue;
    sigaddset(blocked, services[i]);
    sigaddset(mask, services[i]);
  }
}

bool signals_for_thread(int sig, bool (*is_ours)(const struct sigaction *act), sigset_t *old, sigset_t *blocked) {
  sigset_t mask;
  sigemptyset(old); /* the system fills its beginning */
  pthread_sigmask(SIG_SETMASK, NULL, old);
  mask = *old;
  sigemptyset(blocked);
  if (is_ours != NULL) block_services(&mask, sig, is_ours, blocked);
  open_faults(&mask, sig);
  if (memcmp(&mask, old, sizeof mask) == 0) return false;
  pthread_sigmask(SIG_SETMASK, &mask, NULL);
  return true;
}

void signals_open(sigset_t *mask, const sigset_t *blocked) {
  for (size_t i = 0; i < LENGTH(services); i++)
    if (sigismember(blocked, services[i])) sigdelset(mask, services[i]);
}
