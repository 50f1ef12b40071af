/* Waiting: the leader serves the connections, followers sleep until their job is decided or they are to lead.
 *
 * Roles of a waiting thread     FOLLOWER -> LEADER     JobClient.waits.leader is NULL when it looks
 *                               LEADER -> (gone)       it is ready; the first other one in waits is told to look
 *
 * The leader looks again whenever it had given up m: others decide jobs, too (a cancel). It sleeps in poll on every
 * connection and on an eventfd, which who wants it to look again writes. The helper polls alike when it saw no
 * activity for a while, and steps back as soon as there is a leader; both may poll for a moment, and whoever comes
 * first reads. */
#include "pool/gearman/client_wait.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "pool/gearman/jobs.h"
#include "pool/gearman/server.h"
#include "pool/gearman/servers.h"
#include "runtime/os/futex.h"
#include "runtime/os/os.h"
#include "runtime/os/poll.h"
#include "runtime/state/finalizer.h"
#include "runtime/state/request.h"
#include "runtime/sync/blocking.h"

static void close_lost(JobClient *c) {
  if (c->waits.pollers > 0) return;
  while (c->nlost > 0) close(c->lost[--c->nlost]);
}

void client_sleep(JobClient *c, int64_t until) {
  struct pollfd fds[WIRE_MOST_SERVERS + 1] = {{.fd = c->event, .events = POLLIN}};
  unsigned n = 1;
  for (unsigned i = 0; i < c->nservers; i++) {
    const Wire *w = &c->servers[i].wire;
    if (w->fd >= 0) fds[n++] = (struct pollfd){.fd = w->fd, .events = wire_events(w)};
  }
  c->waits.pollers++;
  pthread_mutex_unlock(&c->m);
  int ready = os_poll(fds, n, until);
  if (ready > 0 && fds[0].revents != 0) os_event_clear(c->event);
  pthread_mutex_lock(&c->m);
  /* the other one may have slept through what woke this one */
  if (--c->waits.pollers > 0 && ready > 0 && fds[0].revents != 0) client_kick(c);
  close_lost(c);
}

bool client_work(JobClient *c) {
  bool any = false;
  int64_t now = clock_ns();
  for (unsigned i = 0; i < c->nservers; i++) {
    any = server_serve(c, &c->servers[i]) || any;
    server_look_at_clock(c, &c->servers[i], now);
  }
  if (c->alone_since != 0 && c->pending > 0 && now - c->alone_since >= c->options.give_up_ns && !c->broken) {
    client_explain(c, c->why, sizeof c->why);
    client_break(c);
  }
  client_pump(c);
  client_flush(c);
  return any;
}

int64_t client_next(const JobClient *c) {
  int64_t next = CLOCK_NEVER;
  for (unsigned i = 0; i < c->nservers; i++) {
    int64_t at = server_next(c, &c->servers[i]);
    if (at < next) next = at;
  }
  if (c->alone_since != 0 && c->pending > 0 && !c->broken && c->alone_since + c->options.give_up_ns < next)
    next = c->alone_since + c->options.give_up_ns;
  return next;
}

static void lead(JobClient *c, JobWait *w) {
  w->leads = true;
  c->waits.leader = w;
  while (!w->ready(c, w) && !atomic_load(&w->stop)) {
    if (client_work(c)) continue;
    if (w->ready(c, w) || clock_ns() >= w->deadline) break;
    int64_t next = client_next(c);
    w->polls = true;
    client_sleep(c, next < w->deadline ? next : w->deadline);
    w->polls = false;
  }
  c->waits.leader = NULL;
  w->leads = false;
  if (c->helper.lazy) client_wake_helper(c);
}

static void follow(JobClient *c, JobWait *w) {
  atomic_store(&w->word, 0);
  if (atomic_load(&w->stop)) return;
  pthread_mutex_unlock(&c->m);
  futex_wait(&w->word, 0, w->deadline);
  pthread_mutex_lock(&c->m);
}

static void list(JobClient *c, JobWait *w) {
  w->next = c->waits.first;
  w->prev = NULL; /* it may have been listed before */
  if (w->next != NULL) w->next->prev = w;
  c->waits.first = w;
  if (w->job == NULL) {
    c->waits.conditions++;
    return;
  }
  w->same = w->job->waiters;
  w->job->waiters = w;
}

static void unlist(JobClient *c, JobWait *w) {
  if (w->next != NULL) w->next->prev = w->prev;
  if (w->prev != NULL) w->prev->next = w->next;
  else c->waits.first = w->next;
  if (w->job == NULL) {
    c->waits.conditions--;
    return;
  }
  JobWait **p = &w->job->waiters;
  while (*p != w) p = &(*p)->same;
  *p = w->same;
}

typedef struct Waiting {
  JobClient *c;
  JobWait w;
} Waiting;

static void wait_without_lock(void *arg) {
  Waiting *waiting = arg;
  JobClient *c = waiting->c;
  JobWait *w = &waiting->w;
  pthread_mutex_lock(&c->m);
  c->activity++;
  list(c, w);
  while (!w->ready(c, w) && !atomic_load(&w->stop) && clock_ns() < w->deadline) {
    if (c->waits.leader == NULL) lead(c, w);
    else follow(c, w);
  }
  unlist(c, w);
  if (c->waits.leader == NULL && c->waits.first != NULL) client_tell(c, c->waits.first);
  pthread_mutex_unlock(&c->m);
}

static void stop_waiting(void *arg) {
  Waiting *waiting = arg;
  atomic_store(&waiting->w.stop, true);
  atomic_store(&waiting->w.word, 1); /* without m: it may be the leader, or become it */
  futex_wake(&waiting->w.word, 1);
  client_kick(waiting->c);
}

static bool look(JobClient *c, JobWait *w) {
  pthread_mutex_lock(&c->m);
  bool is_ready = w->ready(c, w);
  pthread_mutex_unlock(&c->m);
  return is_ready;
}

static ParkResult wait_here(Tstate *ts, Waiting *waiting) {
  while (!look(waiting->c, &waiting->w)) {
    if (waiting->w.deadline <= clock_ns()) return PARK_TIMEOUT;
    if (waits_forbidden(ts)) return PARK_FORBIDDEN;
    atomic_store(&waiting->w.stop, false);
    blocking_wait_call(ts, "task", wait_without_lock, waiting, stop_waiting, waiting);
    if (!request_serve(ts)) /* a request came, other than a hook that returns */
      return look(waiting->c, &waiting->w) ? PARK_GRANTED : PARK_REQUESTED;
  }
  return PARK_GRANTED;
}

static ParkResult client_wait(Tstate *ts, JobClient *c, Job *j, bool (*ready)(JobClient *, JobWait *),
                              int64_t deadline) {
  Waiting waiting = {.c = c, .w = {.job = j, .ready = ready, .deadline = deadline}};
  atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed); /* others may let go of it meanwhile */
  ParkResult result = wait_here(ts, &waiting);
  client_drop(c);
  return result;
}

static bool job_ready(JobClient *c, JobWait *w) {
  (void)c;
  return job_decided(w->job);
}

static bool has_room(JobClient *c, JobWait *w) {
  (void)w;
  return c->pending < c->options.max_pending || c->state != CLIENT_OPEN || c->broken;
}

/* The helper may still be looking for a name; nobody waits for that. */
static bool has_ended(JobClient *c, JobWait *w) {
  (void)w;
  return c->state != CLIENT_OPEN && c->pending == 0;
}

static bool has_server(JobClient *c, JobWait *w) {
  (void)w;
  bool all = true;
  for (unsigned i = 0; i < c->nservers; i++) {
    if (c->servers[i].state == SERVER_LIVE) return true;
    all = all && c->servers[i].tried;
  }
  return all;
}

ParkResult client_wait_job(Tstate *ts, Job *j, int64_t deadline) {
  if (job_decided(j)) return PARK_GRANTED;
  atomic_fetch_add_explicit(&j->refs, 1, memory_order_relaxed); /* another thread may settle it, and let go of it */
  ParkResult result = client_wait(ts, j->client, j, job_ready, deadline);
  client_unref(j);
  return result;
}

ParkResult client_wait_room(Tstate *ts, JobClient *c, int64_t deadline) {
  return c->options.max_pending == 0 ? PARK_GRANTED : client_wait(ts, c, NULL, has_room, deadline);
}

ParkResult client_wait_ended(Tstate *ts, JobClient *c, int64_t deadline) {
  return client_wait(ts, c, NULL, has_ended, deadline);
}

ParkResult client_wait_server(Tstate *ts, JobClient *c, int64_t deadline) {
  return client_wait(ts, c, NULL, has_server, deadline);
}
