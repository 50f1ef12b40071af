/* The search. Runs are numbered: what each does follows from the seed and its number alone, and of those that fail the one
 * with the least number is told, so that the number of jobs makes no difference.
 */
#include "interp/explore.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "interp/orders.h"
#include "interp/seen.h"
#include "interp/shrink.h"
#include "runtime/os/os.h"
#include "runtime/schedule/draw.h"
#include "runtime/state/request.h"

/* Instructions of run 0, beyond which it is taken to be without end; those of the others, as a multiple of it and more. */
enum { FIRST_LIMIT = 5000000, MORE = 20, MORE_AT_LEAST = 200000 };

/* Runs that measure how many events there are. */
enum { MEASURES = 16 };

typedef struct Search {
  lua_State *L;
  const ExploreOptions *options;
  const TrialProgram *program;
  Explored *x;
  Job jobs[EXPLORE_JOBS_MAX];
  uint32_t order_of[EXPLORE_JOBS_MAX];
  uint64_t next;
  int64_t until;
  Seen seen; /* digests */
  uint64_t first; /* events of run 0 */
} Search;

ExploreOptions explore_defaults(void) {
  int cpus = os_cpus();
  return (ExploreOptions){.depth = 3, .jobs = cpus < EXPLORE_JOBS_MAX ? (unsigned)cpus : EXPLORE_JOBS_MAX, .seed = 1,
                          .runs = 1000, .time_ns = CLOCK_NEVER};
}

static const char *const names[] = {[EXPLORE_RANDOM] = "random", [EXPLORE_PCT] = "pct", [EXPLORE_POS] = "pos", [EXPLORE_ALL] = "all"};

bool explore_strategy(const char *name, ExploreStrategy *strategy) {
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    if (strcmp(names[i], name) != 0) continue;
    *strategy = (ExploreStrategy)i;
    return true;
  }
  return false;
}

const char *explore_name(ExploreStrategy strategy) { return names[strategy]; }

const char *explore_outcome(Outcome outcome) {
  static const char *const words[] = {"good", "error", "deadlock", "livelock", "signal", "hang", "race"};
  return words[outcome];
}

static unsigned log2_up(uint64_t n) {
  unsigned k = 0;
  while (k < 40 && UINT64_C(1) << k < n) k++;
  return k;
}

static uint64_t limit_of(const Explored *x, uint64_t run) {
  return run == 0 ? FIRST_LIMIT : MORE * x->length + MORE_AT_LEAST;
}

static int start(Search *s, Job *job, uint64_t run) {
  const ExploreOptions *o = s->options;
  Trial *t = job->trial;
  uint64_t events = run <= MEASURES ? s->first : s->x->events;
  uint64_t state = o->seed * 0x100000001 + run, seed = draw(&state);
  job_reset(job);
  job->run = run;
  if (run == 0) given_begin(&t->schedule, &t->strategy.given, NULL, 0, false);
  else if (o->strategy == EXPLORE_POS) pos_begin(&t->schedule, &t->strategy.pos, seed);
  else if (o->strategy == EXPLORE_PCT) pct_begin(&t->schedule, &t->strategy.pct, seed, o->depth, events);
  else random_begin(&t->schedule, &t->strategy.random, seed, (unsigned)draw_below(&state, log2_up(events) + 1), true);
  t->touches = run != 0 && o->strategy == EXPLORE_POS;
  t->schedule.limit = limit_of(s->x, run);
  return job_start(s->L, job, s->program, o->seed);
}

/* The job has ended. What failed first, by its number, is kept in the place of x->job. */
static void note_end(Search *s, Job *job) {
  Explored *x = s->x;
  x->runs++;
  x->distinct += seen_add(&s->seen, job->trial->schedule.digest);
  if (job->trial->unseen[0] != '\0') memcpy(x->unseen, job->trial->unseen, sizeof x->unseen);
  x->failures += job->outcome != OUTCOME_GOOD;
  if (job->run <= MEASURES && job->trial->schedule.events > x->events) x->events = job->trial->schedule.events;
  if (job->outcome == OUTCOME_GOOD || (x->outcome != OUTCOME_GOOD && x->run < job->run)) return;
  x->outcome = job->outcome;
  x->run = job->run;
  x->status = job->status;
  Job other = x->job;
  x->job = *job;
  *job = other;
}

static bool may_start(const Search *s) {
  return (s->x->outcome == OUTCOME_GOOD || s->options->count) && !s->x->interrupted && s->next <= s->options->runs &&
         (s->until == CLOCK_NEVER || clock_ns() < s->until);
}

/* An order with its list of turns, of which the child has a copy. */
static int start_order(Search *s, Job *job, uint32_t order, const Turn *turns, uint64_t n) {
  Trial *t = job->trial;
  job_reset(job);
  job->run = order;
  given_begin(&t->schedule, &t->strategy.given, turns, n, false);
  t->strategy.given.points = t->points;
  t->strategy.given.room = TRIAL_POINTS;
  t->states = true;
  t->schedule.limit = order == 0 ? FIRST_LIMIT : limit_of(s->x, order);
  return job_start(s->L, job, s->program, s->options->seed);
}

static bool is_running(const Search *s) {
  for (unsigned i = 0; i < s->options->jobs; i++)
    if (s->jobs[i].pid != 0) return true;
  return false;
}

static int start_some(Search *s) {
  for (unsigned i = 0; i < s->options->jobs && may_start(s); i++) {
    if (s->next == MEASURES + 1 && is_running(s)) break; /* what follows depends on these */
    int err = s->jobs[i].pid == 0 ? start(s, &s->jobs[i], s->next++) : 0;
    if (err != 0) return err;
  }
  return 0;
}

/* Waits for one of the jobs; the search is over if a request comes. */
static Job *await(Search *s) {
  Job *ended = NULL;
  while (ended == NULL && !s->x->interrupted) {
    ended = job_wait(s->jobs, s->options->jobs);
    s->x->interrupted = request_pending(tstate_self()); /* then the child may have heard the same signal, and failed */
  }
  return s->x->interrupted ? NULL : ended;
}

static void measure_length(Search *s, const Job *job) {
  const Trial *t = job->trial;
  s->x->length = t->schedule.steps > 0 ? t->schedule.steps : 1;
  s->x->threads = 1;
  for (uint64_t i = 0; i < t->schedule.nturns && i < t->schedule.room; i++)
    if (t->turns[i].to > s->x->threads) s->x->threads = t->turns[i].to;
}

static int measure(Search *s) {
  int err = start(s, &s->jobs[0], 0);
  Job *job = err == 0 ? await(s) : NULL;
  if (job == NULL) return err;
  measure_length(s, job);
  note_end(s, job);
  s->first = s->x->events;
  return 0;
}

static bool any(const bool *flags, unsigned n) {
  for (unsigned i = 0; i < n; i++)
    if (flags[i]) return true;
  return false;
}

/* With all: what jobs have ended is looked at in the order in which they were begun, since what is begun next follows from it. */
static bool note_orders(Search *s, Orders *orders, bool *ended, uint32_t *next) {
  bool whole = true;
  for (unsigned i = 0; i < s->options->jobs; i++) {
    if (!ended[i] || s->jobs[i].run != *next) continue;
    if (*next == 0) measure_length(s, &s->jobs[i]);
    whole = orders_add(orders, s->order_of[i], s->jobs[i].trial) && whole;
    note_end(s, &s->jobs[i]);
    ended[i] = false;
    ++*next;
    i = UINT_MAX; /* 0 next: the one behind it may have ended before */
  }
  return whole;
}

static int run_orders(Search *s, Orders *orders) {
  bool ended[EXPLORE_JOBS_MAX] = {false}, whole = true;
  uint32_t next = 0;
  int err = 0;
  while (err == 0 && !s->x->interrupted) {
    bool busy = is_running(s);
    for (unsigned i = 0; i < s->options->jobs && err == 0 && may_start(s); i++) {
      const Turn *turns;
      uint64_t n;
      if (s->jobs[i].pid != 0 || ended[i] || (s->next == 1 && next == 0)) continue; /* the first alone: it measures */
      if (!orders_take(orders, busy || any(ended, s->options->jobs), &s->order_of[i], &turns, &n)) break;
      err = start_order(s, &s->jobs[i], (uint32_t)s->next++, turns, n);
      busy = true;
    }
    if (!busy) break;
    Job *job = await(s);
    if (job == NULL) continue;
    ended[job - s->jobs] = true;
    whole = note_orders(s, orders, ended, &next) && whole;
  }
  s->x->complete = whole && err == 0 && !s->x->interrupted && (s->x->outcome == OUTCOME_GOOD || s->options->count) && orders_done(orders);
  return err;
}

static int run_all(Search *s) {
  if (s->options->strategy == EXPLORE_ALL) {
    Orders *orders = orders_new(s->options->depth - 1);
    int failed = orders != NULL ? run_orders(s, orders) : ENOMEM;
    orders_free(orders);
    return failed;
  }
  int err = measure(s);
  s->next = 1;
  while (err == 0 && !s->x->interrupted) {
    err = start_some(s);
    if (!is_running(s)) break;
    Job *ended = await(s);
    if (ended != NULL) note_end(s, ended);
  }
  return err;
}

int explore(lua_State *L, const ExploreOptions *options, const TrialProgram *program, Explored *x) {
  *x = (Explored){.events = 1, .job = {.out = -1, .pidfd = -1}};
  Search *s = calloc(1, sizeof *s);
  if (s == NULL) return ENOMEM;
  *s = (Search){.L = L, .options = options, .program = program, .x = x, .until = CLOCK_NEVER};
  if (options->time_ns != CLOCK_NEVER) s->until = clock_ns() + options->time_ns;
  int err = job_open(&x->job, options->races);
  for (unsigned i = 0; i < options->jobs; i++) {
    int failed = job_open(&s->jobs[i], options->races);
    if (err == 0) err = failed;
  }
  if (err == 0) err = run_all(s);
  if (err == 0 && x->outcome != OUTCOME_GOOD && !x->interrupted)
    err = shrink(L, program, options->seed, limit_of(x, x->run), &s->jobs[0], x);
  for (unsigned i = 0; i < options->jobs; i++) job_close(&s->jobs[i]);
  seen_free(&s->seen);
  free(s);
  return err;
}

void explore_end(Explored *x) { job_close(&x->job); }
