/* Making, using and ending a client. */
#include "pool/gearman/client.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "pool/gearman/helper.h"
#include "pool/gearman/jobs.h"
#include "pool/gearman/server.h"
#include "pool/gearman/servers.h"
#include "runtime/os/descriptors.h"
#include "runtime/os/os.h"
#include "runtime/state/at_fork.h"

#define MS INT64_C(1000000)

enum {
  WRITE_AT = 32 * 1024,
  WRITE_BELOW = 16,
  ASK_MS = 5 /* between two questions whether a job is running */
};

static int set_servers(JobClient *c, const char *const *servers, unsigned n) {
  c->servers = calloc(n, sizeof *c->servers);
  if (c->servers == NULL) return ENOMEM;
  c->nservers = n;
  for (unsigned i = 0; i < n; i++) {
    c->servers[i].wire.fd = -1;
    if (!wire_address(servers[i], c->servers[i].host, c->servers[i].port)) return EINVAL;
  }
  return 0;
}

static int set_id(JobClient *c) {
  uint64_t random;
  if (getrandom(&random, sizeof random, 0) != sizeof random) return EIO;
  snprintf(c->id, sizeof c->id, "%016" PRIx64, random);
  return 0;
}

JobClient *client_new(const ClientOptions *options, const char *const *servers, unsigned n, void (*decided)(Job *j)) {
  JobClient *c = calloc(1, sizeof *c);
  if (c == NULL) return NULL;
  c->options = *options;
  c->forks = at_fork_count();
  c->decided = decided;
  c->alone_since = clock_ns();
  c->event = os_above_standard(os_event_new());
  atomic_store(&c->refs, 1);
  pthread_mutex_init(&c->m, NULL);
  int err = c->event < 0 ? errno : set_servers(c, servers, n);
  if (err == 0) err = set_id(c);
  if (err == 0) return c;
  client_drop(c);
  errno = err;
  return NULL;
}

int client_start(JobClient *c) { return helper_start(c); }

bool client_foreign(const JobClient *c) { return c->forks != at_fork_count(); }

uint64_t client_number(JobClient *c) {
  pthread_mutex_lock(&c->m);
  uint64_t number = ++c->last_number;
  pthread_mutex_unlock(&c->m);
  return number;
}

/* What is written at once: where somebody may be waiting for it, or it is much. The rest is written by who waits
 * next, or within a millisecond, many in one call. */
static void write_now(JobClient *c) {
  size_t queued = 0;
  for (unsigned i = 0; i < c->nservers; i++) queued += c->servers[i].wire.queued;
  if (c->waits.pollers > 0 || c->pending <= WRITE_BELOW || queued >= WRITE_AT) client_flush(c);
}

Job *client_submit(JobClient *c, const char *unique, uint64_t number, Payload *payload) {
  Job *j = calloc(1, sizeof *j);
  if (j == NULL) return NULL;
  j->client = c;
  j->payload = payload;
  j->number = number;
  snprintf(j->unique, sizeof j->unique, "%s", unique);
  atomic_store_explicit(&j->refs, 2, memory_order_relaxed);
  atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
  pthread_mutex_lock(&c->m);
  c->activity++;
  c->submitted++;
  if (c->pending++ == 0 && c->alone_since != 0) c->alone_since = clock_ns();
  if (c->broken || c->state != CLIENT_OPEN) {
    client_fail(c, j, JOB_BROKEN, NULL, 0);
  } else {
    jobs_append(&c->queue, j);
    client_pump(c);
    if (c->queue.n > c->most_queued) c->most_queued = c->queue.n;
    write_now(c);
  }
  if (c->helper.sleeps) client_kick(c);
  pthread_mutex_unlock(&c->m);
  return j;
}

static void withdraw(JobClient *c, Job *j) {
  if (atomic_load(&j->state) == JOB_QUEUED) jobs_remove(&c->queue, j);
  else server_withdraw(j->server, j);
  client_decide(c, j, JOB_CANCELLED);
}

/* Who cancels knows it: the watcher is not told. */
static bool cancel(JobClient *c, Job *j) {
  if (job_decided(j)) return atomic_load(&j->state) == JOB_CANCELLED;
  j->watcher = NULL;
  withdraw(c, j);
  return true;
}

bool client_cancel(Job *j) {
  JobClient *c = j->client;
  pthread_mutex_lock(&c->m);
  c->activity++;
  bool cancelled = cancel(c, j);
  client_pump(c);
  write_now(c);
  pthread_mutex_unlock(&c->m);
  return cancelled;
}

bool client_running(Job *j) {
  JobClient *c = j->client;
  pthread_mutex_lock(&c->m);
  bool sent = atomic_load(&j->state) == JOB_SENT, running = sent && j->began_at != 0;
  int64_t now = clock_ns();
  if (sent && now - j->asked_at >= ASK_MS * MS && server_ask(j->server, j)) {
    c->activity++;
    j->asked_at = now;
    write_now(c);
  }
  pthread_mutex_unlock(&c->m);
  return running;
}

void client_watch(Job *j, void *watcher) {
  JobClient *c = j->client;
  pthread_mutex_lock(&c->m);
  j->watcher = watcher;
  if (job_decided(j)) c->decided(j);
  pthread_mutex_unlock(&c->m);
}

/* Cancels what is queued, and of what was sent what `goes` says. */
static void cancel_jobs(JobClient *c, bool (*goes)(Job *j)) {
  while (c->queue.first != NULL) withdraw(c, c->queue.first);
  for (unsigned i = 0; i < c->nservers; i++)
    for (Job *j = c->servers[i].jobs.first, *next; j != NULL; j = next) {
      next = j->next;
      if (!job_decided(j) && goes(j)) withdraw(c, j);
    }
}

static bool each_goes(Job *j) {
  (void)j;
  return true;
}

/* One without a name has hardly reached its server; of the others that tells. */
static bool unbegun_goes(Job *j) { return j->began_at == 0 && !server_ask(j->server, j); }

static void end_client(JobClient *c, bool (*goes)(Job *j)) {
  pthread_mutex_lock(&c->m);
  if (c->state == CLIENT_OPEN) c->state = CLIENT_CLOSING;
  c->activity++;
  c->cancels = c->cancels || goes != NULL;
  if (goes != NULL) cancel_jobs(c, goes);
  client_flush(c);
  client_tell_conditions(c);
  client_wake_helper(c);
  client_kick(c);
  pthread_mutex_unlock(&c->m);
}

void client_close(JobClient *c, bool cancel) { end_client(c, cancel ? unbegun_goes : NULL); }

void client_terminate(JobClient *c) { end_client(c, each_goes); }

bool client_has_ended(JobClient *c) {
  pthread_mutex_lock(&c->m);
  bool ended = c->state != CLIENT_OPEN && c->pending == 0;
  pthread_mutex_unlock(&c->m);
  return ended;
}

bool client_is_broken(JobClient *c) {
  pthread_mutex_lock(&c->m);
  bool broken = c->broken;
  pthread_mutex_unlock(&c->m);
  return broken;
}

void client_drop_job(Job *j) {
  JobClient *c = j->client;
  pthread_mutex_lock(&c->m);
  j->watcher = NULL;
  pthread_mutex_unlock(&c->m);
  client_unref(j);
}
