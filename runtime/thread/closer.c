/* See closer.h. */
#include "runtime/thread/closer.h"

#include <errno.h>

#include "runtime/os/helper.h"
#include "runtime/state/handlers.h"

enum { SLACK_NS = 200000000 };

/* With m: true if main is through, false at `at`. */
static bool over_before(Closer *c, int64_t at) {
  struct timespec until = {.tv_sec = (time_t)(at / 1000000000), .tv_nsec = (long)(at % 1000000000)};
  while (!c->over)
    if (pthread_cond_timedwait(&c->c, &c->m, &until) == ETIMEDOUT) return c->over;
  return true;
}

static void *closer_main(void *arg) {
  Closer *c = arg;
  pthread_mutex_lock(&c->m);
  bool over = over_before(c, c->interrupt_at);
  if (!over) handlers_interrupt(c->rt);
  over = over || over_before(c, c->abandon_at);
  /* main that has the lock runs its last finalizers, or is about to wait */
  while (!over && !gil_abandon(&c->rt->gil, &c->rt->main->gil)) over = over_before(c, clock_ns() + SLACK_NS);
  pthread_mutex_unlock(&c->m);
  return NULL;
}

void closer_start(Closer *c, Runtime *rt, int64_t interrupt_at, int64_t abandon_at) {
  pthread_condattr_t attr;
  *c = (Closer){.rt = rt, .interrupt_at = interrupt_at, .abandon_at = abandon_at == CLOCK_NEVER ? CLOCK_NEVER : abandon_at + SLACK_NS};
  pthread_condattr_init(&attr);
  pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
  pthread_mutex_init(&c->m, NULL);
  pthread_cond_init(&c->c, &attr);
  pthread_condattr_destroy(&attr);
  c->started = os_start_helper(&c->thread, 0, closer_main, c) == 0;
}

void closer_end(Closer *c) {
  pthread_mutex_lock(&c->m);
  c->over = true;
  pthread_cond_signal(&c->c);
  pthread_mutex_unlock(&c->m);
  if (c->started) pthread_join(c->thread, NULL);
  pthread_cond_destroy(&c->c);
  pthread_mutex_destroy(&c->m);
}
