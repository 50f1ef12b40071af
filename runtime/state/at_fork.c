/* The fork table is fork_prepare / fork_parent / fork_child below: list_m, then for each runtime its door, the locks of its
 * libraries (ForkLock), Gil.m, reap_m and unblock_m. A lock that is added anywhere in gilua is added there, but Engine.m: a
 * child never touches the engines of its parent. The child finds every lock usable.
 * What the child resets, since only those that did not come along would have given it back:
 *   threads, waits, unblocks, zombies, phase, exits   runtime_after_fork
 *   line, offer, spinners, nudger, watcher            gil_after_fork_child
 *   keeps, threads on their way, visits               reset_door
 *   who serves SIGQUIT                                fork_child
 */
#include "runtime/state/at_fork.h"

#include <signal.h>

#include "runtime/os/os.h"
#include "runtime/state/once.h"

/* A fork in native work, where the lock is out: the thread takes it meanwhile, so that its child has a heap that nobody was
 * changing. It does not wait for it: who forks may hold locks of its own that the owner of this one waits for. */
static void take_for_fork(Tstate *ts) { ts->took = !gil_held(&ts->gil) && gil_take_if_free(&ts->gil); }

static void leave_after_fork(Tstate *ts) {
  if (ts->took) gil_leave(&ts->gil);
  ts->took = false;
}

static void fork_prepare(void) {
  if (tstate_innermost != NULL) take_for_fork(tstate_innermost);
  pthread_mutex_lock(&once.list_m);
  for (Runtime *rt = once.runtimes; rt != NULL; rt = rt->next) {
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
  for (Runtime *rt = once.runtimes; rt != NULL; rt = rt->next) {
    pthread_mutex_unlock(&rt->unblock_m);
    pthread_mutex_unlock(&rt->reap_m);
    gil_after_fork_parent(&rt->gil);
    unlock_libraries(rt);
    if (rt->door != NULL) pthread_mutex_unlock(&rt->door->m);
  }
  pthread_mutex_unlock(&once.list_m);
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

unsigned at_fork_count(void) { return once.forks; }

static void fork_child(void) {
  once.forks++;
  open_signals();
  atomic_store_explicit(&once.quit_ask, NULL, memory_order_relaxed); /* the thread that serves it did not come along */
  for (Runtime *rt = once.runtimes; rt != NULL; rt = rt->next) {
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
  pthread_mutex_unlock(&once.list_m);
  if (tstate_innermost != NULL) leave_after_fork(tstate_innermost);
}

int at_fork_install(void) {
  if (once.fork_handlers) return 0;
  int err = pthread_atfork(fork_prepare, fork_parent, fork_child);
  once.fork_handlers = err == 0;
  return err;
}

void at_fork_add_lock(Runtime *rt, ForkLock *l) {
  pthread_mutex_lock(&once.list_m);
  l->next = rt->fork_locks;
  rt->fork_locks = l;
  pthread_mutex_unlock(&once.list_m);
}

void at_fork_remove_lock(Runtime *rt, ForkLock *l) {
  pthread_mutex_lock(&once.list_m);
  for (ForkLock **p = &rt->fork_locks; *p != NULL; p = &(*p)->next) {
    if (*p != l) continue;
    *p = l->next;
    break;
  }
  pthread_mutex_unlock(&once.list_m);
}
