/* Giving jobs to servers, and what is said of all of them. */
#include "pool/gearman/servers.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "pool/gearman/server.h"

/* A server that has so many bytes to read gets no more jobs: they may be taken back, and others may be faster. */
enum { MOST_UNREAD = 8 << 20 };

/* The live server with the fewest jobs; NULL: none has room. */
static JobServer *choose(JobClient *c) {
  JobServer *best = NULL;
  for (unsigned i = 0; i < c->nservers; i++) {
    JobServer *s = &c->servers[(c->turn + i) % c->nservers];
    if (s->state != SERVER_LIVE || s->jobs.n >= c->options.in_flight) continue;
    if (s->wire.queued >= MOST_UNREAD) continue;
    if (best == NULL || s->jobs.n < best->jobs.n) best = s;
  }
  return best;
}

void client_pump(JobClient *c) {
  while (c->queue.first != NULL) {
    JobServer *s = choose(c);
    if (s == NULL) return;
    Job *j = c->queue.first;
    c->turn = (unsigned)(s - c->servers) + 1;
    jobs_remove(&c->queue, j);
    if (!server_submit(c, s, j)) server_lose(c, s, "not enough memory");
  }
}

void client_flush(JobClient *c) {
  for (unsigned i = 0; i < c->nservers; i++) {
    JobServer *s = &c->servers[i];
    if (s->wire.first != NULL && wire_flush(&s->wire) != 0) server_lose(c, s, strerror(errno));
  }
}

unsigned client_live(JobClient *c) {
  unsigned n = 0;
  pthread_mutex_lock(&c->m);
  for (unsigned i = 0; i < c->nservers; i++) n += c->servers[i].state == SERVER_LIVE;
  pthread_mutex_unlock(&c->m);
  return n;
}

void client_explain(JobClient *c, char *to, size_t size) {
  size_t at = 0;
  to[0] = '\0';
  for (unsigned i = 0; i < c->nservers && at < size; i++) {
    const JobServer *s = &c->servers[i];
    if (s->state == SERVER_LIVE) continue;
    int n = snprintf(to + at, size - at, "%s%s:%s: %s", at > 0 ? "; " : "", s->host, s->port,
                     s->why[0] != '\0' ? s->why : "not reached yet");
    at += n > 0 ? (size_t)n : size;
  }
}
