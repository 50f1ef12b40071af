/* Leaving out switches, by halves, quarters, … and one by one, as long as the run fails as it did.
 *
 * Source: Zeller and Hildebrandt, "Simplifying and isolating failure-inducing input", 2002 (ddmin, its complements).
 */
#include "interp/shrink.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/state/request.h"

enum { MOST_TRIES = 2000 };

typedef struct List {
  Turn *turns;
  uint64_t n;
} List;

typedef struct Shrinking {
  lua_State *L;
  const TrialProgram *program;
  uint64_t seed, limit;
  Job *job;
  Explored *x;
  unsigned tries;
  int err;
} Shrinking;

static Job *run(Shrinking *s) {
  s->job->trial->schedule.limit = s->limit;
  s->err = job_start(s->L, s->job, s->program, s->seed);
  Job *ended = NULL;
  while (s->err == 0 && ended == NULL && !s->x->interrupted) {
    ended = job_wait(s->job, 1);
    s->x->interrupted = request_pending(tstate_self()); /* then the child may have heard the same signal, and failed */
  }
  return s->x->interrupted ? NULL : ended;
}

/* Runs with that list, which must stay; true if it fails as the first one did. */
static bool fails(Shrinking *s, const List *list, bool strict, bool explain, bool races) {
  Trial *t = s->job->trial;
  job_reset(s->job);
  given_begin(&t->schedule, &t->strategy.given, list->turns, list->n, strict);
  t->explain = explain;
  t->races |= races;
  s->tries++;
  return run(s) != NULL && s->job->outcome == s->x->outcome;
}

/* The turns of the trial that would not come by themselves, or all; turns has room for them. */
static void copy_turns(List *list, const Trial *t, bool all) {
  uint64_t n = t->schedule.nturns < TRIAL_TURNS ? t->schedule.nturns : TRIAL_TURNS;
  list->n = 0;
  for (uint64_t i = 0; i < n; i++)
    if (all || !t->turns[i].plain) list->turns[list->n++] = t->turns[i];
}

static bool may_go_on(const Shrinking *s) { return s->err == 0 && !s->x->interrupted && s->tries < MOST_TRIES; }

/* Tries the list without `size` turns at `at`; if that fails, the list becomes it. */
static bool leave_out(Shrinking *s, List *list, List *part, uint64_t at, uint64_t size) {
  memcpy(part->turns, list->turns, at * sizeof *list->turns);
  memcpy(part->turns + at, list->turns + at + size, (list->n - at - size) * sizeof *list->turns);
  part->n = list->n - size;
  if (!fails(s, part, false, false, false)) return false;
  copy_turns(list, s->job->trial, false); /* those that were met, which may be still fewer */
  return true;
}

static void minimize(Shrinking *s, List *list, List *part) {
  for (uint64_t size = list->n; size > 0 && list->n > 0 && may_go_on(s);) {
    if (size > list->n) size = list->n;
    bool any = false;
    for (uint64_t at = 0; at < list->n && may_go_on(s);) {
      uint64_t here = size < list->n - at ? size : list->n - at;
      if (leave_out(s, list, part, at, here)) any = true;
      else at += here;
    }
    if (size > 1) size = (size + 1) / 2;
    else if (!any) break;
  }
}

static void take(Explored *x, Job *job) {
  Job other = x->job;
  x->job = *job;
  *job = other;
}

/* The last runs: the list once more, noting its lines, and strictly all of its turns; and, as an explanation, its races. */
static void finish(Shrinking *s, const List *list, List *all) {
  if (!may_go_on(s) && s->tries < MOST_TRIES) return;
  bool again = fails(s, list, false, true, false);
  if (s->err != 0 || s->x->interrupted) return;
  if (again) take(s->x, s->job);
  uint64_t digest = s->x->job.trial->schedule.digest;
  if (!again || s->x->job.trial->schedule.nturns > TRIAL_TURNS) return;
  copy_turns(all, s->x->job.trial, true);
  s->x->repeats = fails(s, all, true, false, false) && s->job->trial->schedule.digest == digest && !s->job->trial->strategy.given.differs;
  if (s->x->repeats && !s->job->races && fails(s, list, false, true, true) && s->job->trial->schedule.digest == digest) take(s->x, s->job);
}

/* Preemptions among the turns of a trial. */
static uint64_t preemptions(const Trial *t) {
  uint64_t n = t->schedule.nturns < t->schedule.room ? t->schedule.nturns : t->schedule.room, forced = 0;
  for (uint64_t i = 0; i < n; i++) forced += t->turns[i].how == GIL_YIELDED;
  return forced;
}

int shrink(lua_State *L, const TrialProgram *program, uint64_t seed, uint64_t limit, Job *job, Explored *x) {
  Shrinking s = {.L = L, .program = program, .seed = seed, .limit = limit, .job = job, .x = x};
  uint64_t room = x->job.trial->schedule.nturns < TRIAL_TURNS ? x->job.trial->schedule.nturns : TRIAL_TURNS;
  List list = {.turns = malloc((room + 1) * sizeof(Turn))}, part = {.turns = malloc((TRIAL_TURNS + UINT64_C(1)) * sizeof(Turn))};
  x->preemptions = preemptions(x->job.trial);
  s.err = list.turns == NULL || part.turns == NULL ? ENOMEM : 0;
  if (s.err == 0) {
    copy_turns(&list, x->job.trial, false);
    minimize(&s, &list, &part);
    finish(&s, &list, &part);
  }
  x->kept = preemptions(x->job.trial);
  job_text(&x->job, x->text, sizeof x->text);
  free(list.turns);
  free(part.turns);
  return s.err;
}
