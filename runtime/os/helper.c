#include "runtime/os/helper.h"

#include <signal.h>

#include "runtime/os/signals.h"

int os_start_helper(pthread_t *thread, size_t stack, void *(*fn)(void *), void *arg) {
  pthread_t detached;
  pthread_attr_t attr;
  sigset_t old;
  int err = pthread_attr_init(&attr);
  if (err != 0) return err;
  if (thread == NULL) pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
  if (stack != 0) pthread_attr_setstacksize(&attr, stack);
  os_block_signals(0, &old);
  err = pthread_create(thread != NULL ? thread : &detached, &attr, fn, arg);
  pthread_sigmask(SIG_SETMASK, &old, NULL);
  pthread_attr_destroy(&attr);
  return err;
}
