/* Probabilistic concurrency testing: priorities, and a few points where they change. */
#include "runtime/schedule/draw.h"
#include "runtime/schedule/strategies.h"

/* Priorities from here up are those that threads begin with; those that they fall to are below, and fall. */
static const uint64_t first_priority = UINT64_C(1) << 62;

static void sink(PctStrategy *p, GilThread *t) { t->scheduled.mark = --p->lowest; }

/* A thread is seen here before it runs first. One that begins has a random place among the others. */
static uint64_t priority_of(PctStrategy *p, GilThread *t) {
  if (t->scheduled.mark == 0) t->scheduled.mark = first_priority + draw_below(&p->state, first_priority);
  return t->scheduled.mark;
}

static bool tick(Schedule *s, GilThread *self, bool others) {
  PctStrategy *p = s->data;
  if (!others) {
    p->spun = 0;
    return false;
  }
  if (p->next < p->n && s->events == p->at[p->next]) {
    while (p->next < p->n && s->events == p->at[p->next]) p->next++;
    sink(p, self);
    return true;
  }
  if (++p->spun > p->patience) {
    sink(p, self);
    return true;
  }
  /* somebody has come since the last choice, or is due: it may be above */
  return atomic_load_explicit(&s->came, memory_order_relaxed) != p->seen ||
         atomic_load_explicit(&s->next_due, memory_order_relaxed) <= schedule_now(s);
}

static GilThread *choose(Schedule *s, const GilQueue *line, unsigned n, GilThread *self, GilHow how) {
  (void)n;
  PctStrategy *p = s->data;
  if (how == GIL_PARKED && self->scheduled.until <= schedule_now(s)) sink(p, self);
  GilThread *best = NULL;
  for (GilThread *t = line->head; t != NULL; t = t->next)
    if (best == NULL || priority_of(p, t) > priority_of(p, best)) best = t;
  if (best != self) p->spun = 0;
  p->seen = atomic_load_explicit(&s->came, memory_order_relaxed);
  return best;
}

static void sort(uint64_t *at, unsigned n) {
  for (unsigned i = 1; i < n; i++)
    for (unsigned k = i; k > 0 && at[k] < at[k - 1]; k--) {
      uint64_t other = at[k];
      at[k] = at[k - 1];
      at[k - 1] = other;
    }
}

void pct_begin(Schedule *s, PctStrategy *p, uint64_t seed, unsigned depth, uint64_t length) {
  static const Strategy strategy = {.name = "pct", .tick = tick, .choose = choose};
  schedule_init(s, &strategy, seed);
  *p = (PctStrategy){.state = seed, .n = depth - 1, .lowest = first_priority, .patience = 1000 + length};
  for (unsigned i = 0; i < p->n; i++) p->at[i] = 1 + draw_below(&p->state, length);
  sort(p->at, p->n);
  s->data = p;
}

double pct_bound(unsigned depth, uint64_t threads, uint64_t length) {
  double bound = 1.0 / (double)threads;
  for (unsigned i = 1; i < depth; i++) bound /= (double)length;
  return bound;
}
