/* What becomes of jobs, and who is told. */
#include "pool/gearman/jobs.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/os/futex.h"
#include "runtime/os/os.h"

void client_tell(JobClient *c, JobWait *w) {
  if (w->leads) { /* if it does not sleep it looks by itself before it does */
    if (w->polls) client_kick(c);
    return;
  }
  atomic_store(&w->word, 1);
  futex_wake(&w->word, 1);
}

void client_tell_conditions(JobClient *c) {
  if (c->waits.conditions == 0) return;
  for (JobWait *w = c->waits.first; w != NULL; w = w->next)
    if (w->job == NULL && w->ready(c, w)) client_tell(c, w);
}

void client_kick(JobClient *c) { os_event_signal(c->event); }

void client_wake_helper(JobClient *c) {
  atomic_store(&c->helper.word, 1);
  futex_wake(&c->helper.word, 1);
}

void client_drop(JobClient *c) {
  if (atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) != 1) return;
  for (unsigned i = 0; i < c->nservers; i++) wire_close(&c->servers[i].wire);
  while (c->nlost > 0) close(c->lost[--c->nlost]);
  if (c->event >= 0) close(c->event);
  pthread_mutex_destroy(&c->m);
  explicit_bzero(&c->token, sizeof c->token);
  free(c->servers);
  free(c);
}

void client_unref(Job *j) {
  JobClient *c = j->client;
  if (job_drop(j)) client_drop(c); /* whoever runs here has a reference of its own */
}

void client_decide(JobClient *c, Job *j, JobState to) {
  if (j->ended_ns == 0) j->ended_ns = clock_ns();
  job_move(j, to);
  payload_drop(j->payload);
  j->payload = NULL;
  c->pending--;
  for (JobWait *w = j->waiters; w != NULL; w = w->same) client_tell(c, w);
  if (j->watcher != NULL) c->decided(j);
  client_tell_conditions(c);
  client_unref(j);
}

void client_fail(JobClient *c, Job *j, JobFailure failure, const char *text, size_t size) {
  if (size >= sizeof j->text) size = sizeof j->text - 1;
  if (size > 0) memcpy(j->text, text, size);
  j->text[size] = '\0';
  j->failure = failure;
  client_decide(c, j, JOB_FAILED);
}

void client_again(JobClient *c, Job *j) {
  if (c->cancels) {
    client_decide(c, j, JOB_CANCELLED);
    return;
  }
  j->handle[0] = '\0';
  j->server = NULL;
  j->began_at = 0;
  job_move(j, JOB_QUEUED);
  jobs_prepend(&c->queue, j);
}

void client_break(JobClient *c) {
  c->broken = true;
  while (c->queue.first != NULL) {
    Job *j = c->queue.first;
    jobs_remove(&c->queue, j);
    client_fail(c, j, JOB_BROKEN, NULL, 0);
  }
}
