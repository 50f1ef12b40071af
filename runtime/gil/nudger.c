/* The thread that asks the owner to leave when it is time: "the timer of the ready queue". When that is: ask.c.
 *
 * Invariant    somebody in line, or a request that the owner has not seen  =>  the nudger is timed.
 * Nobody but the nudger sleeps with the deadline of a turn: a thread in line has handed its wait over, a granter goes
 * on computing, and a lost signal has no other witness. Threads that are awake anyway may ask at once (gil_plan).
 *
 * States of the nudger       nudge_at                               who changes it
 *   timed                    ticks at which it looks again          itself, or gil_plan to an earlier time, under Gil.m
 *   dormant                  UINT64_MAX: nothing has happened       itself, after IDLE_LOOKS empty looks
 *                            for a while; it costs nothing
 */
#include <errno.h>
#include <stdlib.h>

#include "runtime/gil/internal.h"
#include "runtime/os/futex.h"
#include "runtime/os/helper.h"
#include "runtime/os/os.h"

enum { IDLE_LOOKS = 8, NUDGER_STACK = 256 * 1024 };

typedef struct Nudger {
  bool stop;        /* [m] */
  pthread_t thread; /* [i] */
} Nudger;

/* With m: looks once, asks if it is time, and returns until when to sleep, in ticks. */
static uint64_t look(Gil *g, int *idle, pid_t *to, bool *unheard) {
  uint64_t now = clock_ticks(&g->clock), need = gil_look(g, now, to, unheard);
  *idle = need == UINT64_MAX ? *idle + 1 : 0;
  if (need == UINT64_MAX && *idle < IDLE_LOOKS) need = now + g->interval;
  return need;
}

static int64_t deadline_of(const Gil *g, uint64_t until) {
  if (until == UINT64_MAX) return CLOCK_NEVER;
  uint64_t now = clock_ticks(&g->clock);
  return clock_ns() + (until > now ? (int64_t)((double)(until - now) / g->ticks_per_ns) : 0);
}

static void *nudger_main(void *arg) {
  Gil *g = arg;
  Nudger *n = g->nudger;
  int idle = 0;
  int64_t again = 0;
  os_name_thread("gilua-nudger");
  os_sharp_timers();
  pthread_mutex_lock(&g->m);
  while (!n->stop) {
    pid_t to = 0;
    bool unheard = false;
    uint64_t until = g->nudge_at = look(g, &idle, &to, &unheard);
    int64_t deadline = deadline_of(g, until), soon = again > 0 ? clock_ns() + again : CLOCK_NEVER;
    int sig = gil_ask_signal(g);
    pthread_mutex_unlock(&g->m);
    if (unheard && g->unheard != NULL) g->unheard(g);
    if (to != 0) os_signal_thread(g->pid, to, sig);
    futex_wait(&g->alarm, 0, soon < deadline ? soon : deadline);
    /* acquire pairs with gil_alarm */
    atomic_exchange_explicit(&g->alarm, 0, memory_order_acquire);
    again = g->unblock != NULL ? g->unblock(g, again > 0) : 0;
    pthread_mutex_lock(&g->m);
  }
  pthread_mutex_unlock(&g->m);
  return NULL;
}

int gil_start_nudger(Gil *g) {
  if (g->nudger != NULL) return 0;
  Nudger *n = calloc(1, sizeof *n);
  if (n == NULL) return ENOMEM;
  int err = 0;
  pthread_mutex_lock(&g->m);
  bool late = g->nudger != NULL; /* another thread was faster */
  if (!late) {
    g->nudger = n;
    g->nudge_at = 0; /* it looks as it begins */
    err = os_start_helper(&n->thread, NUDGER_STACK, nudger_main, g);
    if (err != 0) g->nudger = NULL;
  }
  pthread_mutex_unlock(&g->m);
  if (err != 0 || late) free(n);
  return err;
}

void gil_stop_nudger(Gil *g) {
  Nudger *n = g->nudger;
  if (n == NULL) return;
  pthread_mutex_lock(&g->m);
  n->stop = true;
  pthread_mutex_unlock(&g->m);
  gil_alarm(g);
  pthread_join(n->thread, NULL);
  g->nudger = NULL;
  free(n);
}
