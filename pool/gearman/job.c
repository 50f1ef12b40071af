/* States, lists and references of jobs. */
#include "pool/gearman/job.h"

#include <assert.h>
#include <stdlib.h>

void job_move(Job *j, JobState to) {
  static const bool may[][JOB_CANCELLED + 1] = {
      [JOB_QUEUED] = {false, true, false, true, true},
      [JOB_SENT] = {true, false, true, true, true},
      [JOB_CANCELLED] = {false},
  };
  JobState from = atomic_load_explicit(&j->state, memory_order_relaxed);
  (void)from, (void)may;
  assert(may[from][to]);
  atomic_store_explicit(&j->state, to, memory_order_release);
}

void jobs_append(JobList *list, Job *j) {
  j->next = NULL;
  j->prev = list->last;
  if (list->last != NULL) list->last->next = j;
  else list->first = j;
  list->last = j;
  list->n++;
}

void jobs_prepend(JobList *list, Job *j) {
  j->prev = NULL;
  j->next = list->first;
  if (list->first != NULL) list->first->prev = j;
  else list->last = j;
  list->first = j;
  list->n++;
}

void jobs_remove(JobList *list, Job *j) {
  if (j->next != NULL) j->next->prev = j->prev;
  else list->last = j->prev;
  if (j->prev != NULL) j->prev->next = j->next;
  else list->first = j->next;
  j->next = j->prev = NULL;
  list->n--;
}

bool job_drop(Job *j) {
  if (atomic_fetch_sub_explicit(&j->refs, 1, memory_order_acq_rel) != 1) return false;
  payload_drop(j->payload);
  free(j->result.memory);
  free(j);
  return true;
}
