#include "runtime/state/process.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/os/os.h"
#include "runtime/state/at_fork.h"
#include "runtime/state/handlers.h"
#include "runtime/state/once.h"

void tstate_enter(Tstate *ts) {
  ts->outer = tstate_innermost;
  atomic_signal_fence(memory_order_seq_cst); /* the handler of this thread walks the chain */
  tstate_innermost = ts;
}

void tstate_leave(Tstate *ts) {
  tstate_innermost = ts->outer;
  atomic_signal_fence(memory_order_seq_cst);
}

int process_add(Runtime *rt) {
  pthread_mutex_lock(&once.list_m);
  int err = at_fork_install();
  if (err != 0) goto out;
  if (rt->preempt == PREEMPT_SIGNAL && !once.preempt_handler[rt->signal]) err = handlers_preempt(rt->signal);
  if (err != 0) goto out;
  if (rt->preempt == PREEMPT_SIGNAL) {
    once.preempt_handler[rt->signal] = true;
    os_unblock_signal(rt->signal); /* hosts block everything in some threads */
  }
  rt->next = once.runtimes;
  once.runtimes = rt;
out:
  pthread_mutex_unlock(&once.list_m);
  return err;
}

void process_remove(Runtime *rt) {
  pthread_mutex_lock(&once.list_m);
  for (Runtime **p = &once.runtimes; *p != NULL; p = &(*p)->next) {
    if (*p != rt) continue;
    *p = rt->next;
    break;
  }
  pthread_mutex_unlock(&once.list_m);
  handlers_release_sigint(rt);
}

void process_set_error(const char *text) {
  char *copy = strdup(text);
  if (copy == NULL) return;
  free(once_error);
  once_error = copy;
  process_watch_thread();
}

const char *process_error(void) { return once_error != NULL ? once_error : ""; }

static void on_thread_exit(void *unused) {
  (void)unused;
  free(once_error);
  once_error = NULL;
  while (visit_first != NULL) visit_first->forget(visit_first);
}

static void make_exit_key(void) { once.exit_error = pthread_key_create(&once.exit_key, on_thread_exit); }

int process_watch_thread(void) {
  pthread_once(&once.exit_once, make_exit_key);
  return once.exit_error != 0 ? once.exit_error : pthread_setspecific(once.exit_key, &once.exit_key);
}
