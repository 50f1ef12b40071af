/* One job server: what is sent to it, what it says, and how it is found to be lost.
 *
 * Answers come in the order of requests, so the first job without a handle is the one that the next JOB_CREATED is
 * about. A job that is cancelled before its handle is told stays listed until then, decided; the server is asked to
 * forget it as soon as it has a name. */
#include "pool/gearman/server.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pool/gearman/jobs.h"

#define MS INT64_C(1000000)

enum { FIRST_BACKOFF_MS = 50, LAST_BACKOFF_MS = 2000, GRACE_MS = 1000 };

static uint32_t hash(const uint8_t *bytes, size_t size) {
  uint32_t h = 2166136261u;
  for (size_t i = 0; i < size; i++) h = (h ^ bytes[i]) * 16777619u;
  return h % CLIENT_BUCKETS;
}

static Job **bucket_of(JobServer *s, const Job *j) {
  return &s->by_handle[hash((const uint8_t *)j->handle, strlen(j->handle))];
}

static void unname(JobServer *s, Job *j) {
  Job **p = bucket_of(s, j);
  while (*p != j) p = &(*p)->same;
  *p = j->same;
  j->same = NULL;
}

static Job *find(JobServer *s, const Packet *p) {
  const uint8_t *handle = p->fields[0].bytes;
  size_t size = p->fields[0].size;
  Job *j = s->by_handle[hash(handle, size)];
  while (j != NULL && (strlen(j->handle) != size || memcmp(j->handle, handle, size) != 0)) j = j->same;
  return j;
}

/* Takes a job with a handle out of everything here. */
static void unlist(JobServer *s, Job *j) {
  unname(s, j);
  jobs_remove(&s->jobs, j);
}

static bool say_cancel(JobServer *s, const Job *j) {
  char line[JOB_HANDLE + 16];
  snprintf(line, sizeof line, "cancel job %s", j->handle);
  return wire_say_line(&s->wire, line);
}

void server_withdraw(JobServer *s, Job *j) {
  if (j->handle[0] == '\0') {
    atomic_fetch_add_explicit(&j->refs, 1, memory_order_relaxed); /* the list's: said_handle or lose_jobs drops it */
    return;
  }
  unlist(s, j);
  say_cancel(s, j); /* without memory for that it is done in vain */
}

void server_attach(JobClient *c, JobServer *s, int fd) {
  (void)c;
  wire_open(&s->wire, fd, c->options.most + PACKET_HEAD + 4096);
  s->state = SERVER_GREETING;
  s->created = NULL;
  s->look_at = CLOCK_NEVER;
  s->heard_at = s->asked_at = clock_ns();
  wire_say(&s->wire, PACKET_ECHO_REQ, "gilua", 5);
}

/* Its jobs go back to the front of the queue, in their order. */
static void lose_jobs(JobClient *c, JobServer *s) {
  while (s->jobs.last != NULL) {
    Job *j = s->jobs.last;
    jobs_remove(&s->jobs, j);
    j->same = NULL;
    if (job_decided(j)) client_unref(j);
    else if (c->broken) client_fail(c, j, JOB_BROKEN, NULL, 0);
    else if (++j->losses >= JOB_MOST_LOSSES) client_fail(c, j, JOB_LOST, s->why, strlen(s->why));
    else client_again(c, j);
  }
  memset(s->by_handle, 0, sizeof s->by_handle);
  s->created = NULL;
}

/* Somebody may be polling the descriptor: its number must not become another's meanwhile. */
static void hang_up(JobClient *c, JobServer *s) {
  int fd = wire_release(&s->wire);
  if (fd < 0) return;
  if (c->waits.pollers == 0 || c->nlost == CLIENT_LOST) {
    close(fd);
    return;
  }
  shutdown(fd, SHUT_RDWR);
  c->lost[c->nlost++] = fd;
}

void server_lose(JobClient *c, JobServer *s, const char *why) {
  if (s->state == SERVER_DOWN && s->wire.fd < 0) return;
  int64_t now = clock_ns();
  snprintf(s->why, sizeof s->why, "%s", why);
  s->state = SERVER_DOWN;
  s->tried = true;
  s->asked_at = 0;
  if (s->backoff_ns == 0) s->backoff_ns = FIRST_BACKOFF_MS * MS;
  s->retry_at = now + s->backoff_ns;
  s->backoff_ns = s->backoff_ns * 2 < LAST_BACKOFF_MS * MS ? s->backoff_ns * 2 : LAST_BACKOFF_MS * MS;
  hang_up(c, s);
  lose_jobs(c, s);
  bool alone = true;
  for (unsigned i = 0; i < c->nservers; i++) alone = alone && c->servers[i].state != SERVER_LIVE;
  if (alone && c->alone_since == 0) c->alone_since = now;
  client_tell_conditions(c);
  client_kick(c); /* who polls the others takes what was here to them; the helper connects again */
  client_wake_helper(c);
}

bool server_submit(JobClient *c, JobServer *s, Job *j) {
  int64_t now = clock_ns(), timeout = c->options.task_timeout_ns;
  if (s->jobs.n == 0) s->heard_at = now; /* nobody listened */
  j->server = s;
  j->look_at = timeout > 0 ? now + timeout + GRACE_MS * MS : CLOCK_NEVER;
  if (j->look_at < s->look_at) s->look_at = j->look_at;
  job_move(j, JOB_SENT);
  jobs_append(&s->jobs, j);
  if (s->created == NULL) s->created = j;
  return wire_put(&s->wire, payload_keep(j->payload));
}

/* What servers say. Each returns NULL, or why the connection is given up. */

static const char *said_live(JobClient *c, JobServer *s) {
  s->asked_at = 0;
  if (s->state == SERVER_LIVE) return NULL;
  s->state = SERVER_LIVE;
  s->tried = true;
  s->backoff_ns = 0;
  c->alone_since = 0;
  client_tell_conditions(c);
  return NULL;
}

/* One that can stand in a line of administration. */
static bool is_handle(const uint8_t *bytes, size_t size) {
  for (size_t i = 0; i < size && i < JOB_HANDLE; i++)
    if (bytes[i] <= ' ' || bytes[i] > '~') return false;
  return size > 0 && size < JOB_HANDLE;
}

static const char *said_handle(JobServer *s, const Packet *p) {
  Job *j = s->created;
  size_t size = p->fields[0].size;
  if (j == NULL) return "it accepted a job that it was not given";
  if (!is_handle(p->fields[0].bytes, size)) return "it sent a handle that is none";
  if (find(s, p) != NULL) return "it gave one handle to two jobs";
  memcpy(j->handle, p->fields[0].bytes, size);
  j->handle[size] = '\0';
  s->created = j->next;
  if (job_decided(j)) { /* cancelled meanwhile */
    bool said = say_cancel(s, j);
    jobs_remove(&s->jobs, j);
    client_unref(j);
    return said ? NULL : "not enough memory";
  }
  Job **bucket = bucket_of(s, j);
  j->same = *bucket;
  *bucket = j;
  return NULL;
}

/* Text that somebody else wrote, as it can be shown. */
static void fail_with_text(JobClient *c, Job *j, JobFailure failure, const Packet *p, unsigned i) {
  char text[JOB_TEXT];
  size_t size = p->fields[i].size < sizeof text ? p->fields[i].size : sizeof text - 1;
  for (size_t k = 0; k < size; k++) {
    uint8_t b = p->fields[i].bytes[k];
    text[k] = b >= ' ' && b <= '~' ? (char)b : '?';
  }
  client_fail(c, j, failure, text, size);
}

/* The server did not take the first job that has no handle. */
static const char *said_error(JobClient *c, JobServer *s, const Packet *p) {
  Job *j = s->created;
  if (j == NULL) return NULL;
  s->created = j->next;
  jobs_remove(&s->jobs, j);
  if (job_decided(j)) client_unref(j);
  else fail_with_text(c, j, JOB_REFUSED, p, p->fields[1].size > 0 ? 1 : 0);
  return NULL;
}

/* When the call is shown to have begun: a process does one at a time, though news of its end may come late. */
static int64_t shown_begin(JobClient *c, const Envelope *e, int64_t now) {
  int64_t began = now - (int64_t)e->ns, *last = &c->rows[e->pid % CLIENT_ROWS].ended_ns;
  if (c->rows[e->pid % CLIENT_ROWS].pid != e->pid) *last = 0;
  if (began < *last) began = *last;
  c->rows[e->pid % CLIENT_ROWS].pid = e->pid;
  *last = now;
  return began;
}

static void note_time(JobClient *c, JobServer *s, Job *j) {
  Envelope e;
  int64_t now = clock_ns();
  s->done++;
  if (envelope_read_result(j->result.bytes, j->result.size, &e) != 0 || e.ns == 0 || e.ns > (uint64_t)now) return;
  s->busy_ns += (int64_t)e.ns;
  j->ended_ns = now;
  j->began_ns = shown_begin(c, &e, now);
}

static const char *said_result(JobClient *c, JobServer *s, const Packet *p) {
  Job *j = find(s, p);
  if (j == NULL) return NULL; /* it was cancelled */
  unlist(s, j);
  if (!wire_take(&s->wire, p, 1, &j->result)) {
    client_fail(c, j, JOB_MEMORY, NULL, 0);
    return NULL;
  }
  note_time(c, s, j);
  client_decide(c, j, JOB_DONE);
  return NULL;
}

static const char *said_failure(JobClient *c, JobServer *s, const Packet *p) {
  Job *j = find(s, p);
  if (j == NULL) return NULL;
  unlist(s, j);
  if (p->type == PACKET_WORK_EXCEPTION) fail_with_text(c, j, JOB_FOREIGN, p, 1);
  else client_fail(c, j, JOB_WORKERS_DIED, NULL, 0);
  return NULL;
}

static bool is(const Packet *p, unsigned i, char c) {
  return p->fields[i].size == 1 && p->fields[i].bytes[0] == (uint8_t)c;
}

/* When to look at a job that may outrun its time. */
static void look_later(JobServer *s, Job *j, int64_t at) {
  if (j->client->options.task_timeout_ns == 0) return;
  j->look_at = at;
  if (at < s->look_at) s->look_at = at;
}

static const char *said_status(JobClient *c, JobServer *s, const Packet *p) {
  int64_t now = clock_ns(), timeout = c->options.task_timeout_ns;
  Job *j = find(s, p);
  if (j == NULL) return NULL;
  if (is(p, 1, '0')) { /* it has forgotten it */
    unlist(s, j);
    client_again(c, j);
    return NULL;
  }
  if (!is(p, 2, '1')) j->began_at = 0; /* its worker has died, and it waits for another */
  else if (j->began_at == 0) j->began_at = now;
  if (c->cancels && j->began_at == 0) {
    server_withdraw(s, j);
    client_decide(c, j, JOB_CANCELLED);
    return NULL;
  }
  look_later(s, j, now + (j->began_at != 0 ? timeout + GRACE_MS * MS : timeout / 2 + 100 * MS));
  return NULL;
}

/* A worker says that it begins; perhaps not the first one. */
static const char *said_begun(JobClient *c, JobServer *s, const Packet *p) {
  Job *j = find(s, p);
  if (j == NULL) return NULL;
  j->began_at = clock_ns();
  look_later(s, j, j->began_at + c->options.task_timeout_ns + GRACE_MS * MS);
  return NULL;
}

static const char *heed(JobClient *c, JobServer *s, const Packet *p) {
  switch (p->type) {
    case PACKET_ECHO_RES: return said_live(c, s);
    case PACKET_JOB_CREATED: return said_handle(s, p);
    case PACKET_WORK_COMPLETE: return said_result(c, s, p);
    case PACKET_WORK_FAIL:
    case PACKET_WORK_EXCEPTION: return said_failure(c, s, p);
    case PACKET_STATUS_RES: return said_status(c, s, p);
    case PACKET_ERROR: return said_error(c, s, p);
    case PACKET_WORK_STATUS: return said_begun(c, s, p);
    case PACKET_WORK_DATA: /* workers of others: progress */
    case PACKET_WORK_WARNING:
    case PACKET_OPTION_RES:
    case PACKET_LINE: return NULL; /* how a cancel went */
    default: return "it sent what is meant for workers";
  }
}

static const char *heed_all(JobClient *c, JobServer *s) {
  for (;;) {
    Packet p;
    int result = wire_next(&s->wire, &p);
    if (result == PACKET_MORE) return NULL;
    const char *why = result < 0 ? packet_explain(result) : heed(c, s, &p);
    if (why != NULL) return why;
  }
}

bool server_serve(JobClient *c, JobServer *s) {
  if (s->state == SERVER_DOWN) return false;
  if (wire_flush(&s->wire) != 0) {
    server_lose(c, s, strerror(errno));
    return true;
  }
  int result = wire_read(&s->wire);
  if (result == 0) return false;
  const char *why = result < 0 ? (errno != 0 ? strerror(errno) : "it hung up") : heed_all(c, s);
  s->heard_at = clock_ns();
  if (why != NULL) server_lose(c, s, why);
  return true;
}

/* Time: heartbeats, and jobs of which nothing is heard. */

bool server_ask(JobServer *s, Job *j) {
  return j->handle[0] != '\0' && wire_say(&s->wire, PACKET_GET_STATUS, j->handle, strlen(j->handle));
}

static void look_at_job(JobClient *c, JobServer *s, Job *j, int64_t now) {
  if (j->began_at != 0) {
    server_withdraw(s, j);
    client_fail(c, j, JOB_OVERDUE, NULL, 0);
    return;
  }
  j->look_at = now + c->options.heartbeat_ns; /* an answer sets it anew */
  server_ask(s, j);
}

static void look_at_jobs(JobClient *c, JobServer *s, int64_t now) {
  s->look_at = CLOCK_NEVER;
  for (Job *j = s->jobs.first, *next; j != NULL; j = next) {
    next = j->next;
    if (job_decided(j)) continue;
    if (j->look_at <= now) look_at_job(c, s, j, now);
    else if (j->look_at < s->look_at) s->look_at = j->look_at;
  }
  int64_t again = now + c->options.heartbeat_ns;
  if (s->jobs.n > 0 && c->options.task_timeout_ns > 0 && again < s->look_at) s->look_at = again;
}

/* When a server that says nothing is to be asked, or to be given up. */
static int64_t heartbeat_at(const JobClient *c, const JobServer *s) {
  if (s->asked_at != 0) return s->asked_at + c->options.heartbeat_ns;
  return s->jobs.n > 0 ? s->heard_at + c->options.heartbeat_ns : CLOCK_NEVER;
}

void server_look_at_clock(JobClient *c, JobServer *s, int64_t now) {
  if (s->state == SERVER_DOWN) return;
  if (heartbeat_at(c, s) <= now) {
    if (s->asked_at != 0 && s->heard_at <= s->asked_at) {
      server_lose(c, s, "it is silent");
      return;
    }
    s->asked_at = now;
    wire_say(&s->wire, PACKET_ECHO_REQ, "gilua", 5);
  }
  if (s->look_at <= now) look_at_jobs(c, s, now);
}

int64_t server_next(const JobClient *c, const JobServer *s) {
  if (s->state == SERVER_DOWN) return CLOCK_NEVER;
  int64_t beat = heartbeat_at(c, s);
  return beat < s->look_at ? beat : s->look_at;
}
