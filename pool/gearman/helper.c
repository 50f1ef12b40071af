/* The helper's loop. It alone dials, so a name that is looked up for long delays no thread of the program. */
#include "pool/gearman/helper.h"

#include <string.h>
#include <unistd.h>

#include "pool/gearman/client_wait.h"
#include "pool/gearman/jobs.h"
#include "pool/gearman/server.h"
#include "pool/gearman/servers.h"
#include "runtime/os/futex.h"
#include "runtime/os/helper.h"
#include "runtime/os/os.h"

#define MS INT64_C(1000000)

enum {
  TICK_MS = 1,
  LONG_TICK_MS = 64, /* behind a leader that stays */
  LAZY_TICKS = 200,  /* with nothing to do, before it sleeps in poll */
  DIAL_MS = 2000     /* an attempt to connect takes no longer */
};

static void nap(JobClient *c, int64_t until) {
  atomic_store(&c->helper.word, 0);
  pthread_mutex_unlock(&c->m);
  futex_wait(&c->helper.word, 0, until);
  pthread_mutex_lock(&c->m);
}

/* The server that is to be connected first. */
static JobServer *next_dial(const JobClient *c) {
  JobServer *first = NULL;
  if (c->state != CLIENT_OPEN && c->pending == 0) return NULL;
  for (unsigned i = 0; i < c->nservers; i++) {
    JobServer *s = &c->servers[i];
    if (s->state == SERVER_DOWN && (first == NULL || s->retry_at < first->retry_at)) first = s;
  }
  return first;
}

static int64_t next_dial_at(const JobClient *c) {
  const JobServer *s = next_dial(c);
  return s != NULL ? s->retry_at : CLOCK_NEVER;
}

static void dial(JobClient *c, JobServer *s) {
  char why[WIRE_WHY];
  pthread_mutex_unlock(&c->m);
  int fd = wire_dial(s->host, s->port, clock_ns() + DIAL_MS * MS, why);
  pthread_mutex_lock(&c->m);
  s->wire.fd = fd;
  if (fd >= 0) {
    server_attach(c, s, fd);
    client_flush(c);
    client_kick(c); /* who leads polls it, too */
    return;
  }
  s->state = SERVER_GREETING; /* and lost at once */
  server_lose(c, s, why);
}

/* Leads while nobody waits. */
static void stand_in(JobClient *c, uint64_t seen) {
  while (c->pending > 0 && c->waits.leader == NULL && c->activity == seen && next_dial_at(c) > clock_ns()) {
    if (client_work(c)) continue;
    int64_t next = client_next(c), due = next_dial_at(c);
    client_sleep(c, next < due ? next : due);
  }
}

/* Nothing is pending: it sees when a server hangs up. */
static void sleep_long(JobClient *c) {
  int64_t next = client_next(c), due = next_dial_at(c);
  c->helper.sleeps = true;
  client_sleep(c, next < due ? next : due);
  c->helper.sleeps = false;
  client_work(c);
}

static void hang_up(JobClient *c) {
  c->state = CLIENT_ENDED;
  for (unsigned i = 0; i < c->nservers; i++) {
    wire_flush(&c->servers[i].wire); /* what was cancelled last */
    server_lose(c, &c->servers[i], "the client ended");
  }
  client_tell_conditions(c);
}

static void *helper_main(void *arg) {
  JobClient *c = arg;
  unsigned idle = 0, led = 0;
  os_name_thread("gilua-gearman");
  pthread_mutex_lock(&c->m);
  while (c->state == CLIENT_OPEN || c->pending > 0) {
    int64_t now = clock_ns();
    JobServer *s = next_dial(c);
    if (s != NULL && s->retry_at <= now) {
      dial(c, s);
      continue;
    }
    uint64_t seen = c->activity;
    idle = c->pending > 0 || c->waits.first != NULL ? 0 : idle + 1;
    if (idle > LAZY_TICKS) {
      sleep_long(c);
      if (c->activity != seen) idle = 0;
      continue;
    }
    int64_t tick = led < 16 ? TICK_MS : LONG_TICK_MS, until = now + tick * MS;
    c->helper.lazy = tick > TICK_MS;
    nap(c, s != NULL && s->retry_at < until ? s->retry_at : until);
    c->helper.lazy = false;
    led = c->waits.leader != NULL && c->activity == seen ? led + 1 : 0;
    if (c->activity == seen && c->waits.leader == NULL) {
      if (c->pending > 0) stand_in(c, seen);
      else client_work(c);
    }
  }
  hang_up(c);
  c->helper.exists = false;
  pthread_mutex_unlock(&c->m);
  client_drop(c);
  return NULL;
}

int helper_start(JobClient *c) {
  atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
  c->helper.exists = true;
  int err = os_start_helper(NULL, 0, helper_main, c);
  if (err == 0) return 0;
  c->helper.exists = false;
  client_drop(c);
  return err;
}
