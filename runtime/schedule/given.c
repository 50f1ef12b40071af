/* A given list of switches: a run that is repeated, or one that has fewer of them. */
#include "runtime/schedule/strategies.h"

static GilThread *find(const GilQueue *line, uint32_t number) {
  for (GilThread *t = line->head; t != NULL; t = t->next)
    if (t->scheduled.number == number) return t;
  return NULL;
}

/* The next turn of the list that is self's, or NULL. Scheduled.mark is where to look for it; those that self has passed are
 * left out. */
static const Turn *next_of(const GivenStrategy *x, GilThread *self) {
  const Scheduled *at = &self->scheduled;
  uint64_t i = at->mark;
  for (; i < x->n; i++) {
    const Turn *t = &x->turns[i];
    if (t->from == at->number && (t->steps > at->steps || (t->steps == at->steps && t->nth >= at->turns))) break;
  }
  self->scheduled.mark = i;
  return i < x->n ? &x->turns[i] : NULL;
}

/* Whether self comes to its first event since it was chosen: whoever could be chosen here could have been there. */
static bool is_fresh(GivenStrategy *x, const Schedule *s, const GilThread *self) {
  bool fresh = x->fresh == self && x->seen == atomic_load_explicit(&s->came, memory_order_relaxed);
  x->fresh = NULL;
  return fresh;
}

static bool tick_loose(Schedule *s, GilThread *self, bool others) {
  GivenStrategy *x = s->data;
  const Turn *t = next_of(x, self);
  x->spun = others ? x->spun + 1 : 0;
  if (x->points != NULL) return others && s->event && !is_fresh(x, s, self); /* each is a choice */
  return others && (x->spun > GIVEN_PATIENCE || (t != NULL && t->steps == self->scheduled.steps && t->how == GIL_YIELDED));
}

/* The next one by number, or the first behind the last. */
static GilThread *after(const GilQueue *line, const GilThread *self) {
  for (GilThread *t = line->head; t != NULL; t = t->next)
    if (t->scheduled.number > self->scheduled.number) return t;
  return line->head;
}

static void note_point(GivenStrategy *x, uint64_t state, const GilQueue *line, const GilThread *self, const GilThread *to, GilHow how) {
  Point p = {.steps = self->scheduled.steps, .state = state, .from = (uint32_t)self->scheduled.number, .to = (uint32_t)to->scheduled.number,
             .nth = self->scheduled.turns, .how = how};
  for (const GilThread *t = line->head; t != NULL; t = t->next) {
    if (t->scheduled.number < 64) p.line |= UINT64_C(1) << t->scheduled.number;
    else x->wide = true;
  }
  if (x->npoints < x->room) x->points[x->npoints] = p;
  x->npoints++;
}

static uint64_t bit_of(const GilThread *t) { return t->scheduled.number < 64 ? UINT64_C(1) << t->scheduled.number : 0; }

static void note_fresh(GivenStrategy *x, const GilThread *self, const GilThread *to, GilHow how) {
  if (how == GIL_YIELDED) x->amid |= bit_of(self);
  x->fresh = (x->amid & bit_of(to)) == 0 ? to : NULL;
  x->amid &= ~bit_of(to);
}

static GilThread *choose_loose(Schedule *s, const GilQueue *line, GilThread *self, GilHow how) {
  GivenStrategy *x = s->data;
  const Turn *t = next_of(x, self);
  bool named = t != NULL && t->steps == self->scheduled.steps && t->how == how;
  GilThread *to = named ? find(line, t->to) : NULL;
  self->scheduled.mark += named;
  if (to == NULL && x->spun > GIVEN_PATIENCE) to = after(line, self);
  if (to == NULL) to = how == GIL_YIELDED ? self : line->head;
  if (to != self || how != GIL_YIELDED) {
    x->spun = 0;
    x->seen = atomic_load_explicit(&s->came, memory_order_relaxed);
  }
  if (x->points != NULL) {
    note_fresh(x, self, to, how);
    note_point(x, s->state, line, self, to, how);
  }
  if (named) x->behind = x->npoints;
  return to;
}

static void differ(GivenStrategy *x, const GilThread *self, GilHow how) {
  if (x->differs) return;
  x->differs = true;
  x->instead = (Turn){.steps = self->scheduled.steps, .from = (uint32_t)self->scheduled.number, .nth = self->scheduled.turns,
                      .how = (uint16_t)how};
}

static bool tick_strict(Schedule *s, GilThread *self, bool others) {
  GivenStrategy *x = s->data;
  if (x->differs && x->tell != NULL) x->tell(s, self);
  if (x->differs || x->next == x->n) return false;
  const Turn *t = &x->turns[x->next];
  if (t->from == self->scheduled.number && t->steps >= self->scheduled.steps) {
    if (t->steps > self->scheduled.steps || t->how != GIL_YIELDED) return false;
    if (others) return true;
  }
  differ(x, self, GIL_YIELDED);
  return false;
}

static GilThread *choose_strict(Schedule *s, const GilQueue *line, GilThread *self, GilHow how) {
  GivenStrategy *x = s->data;
  GilThread *otherwise = how == GIL_YIELDED ? self : line->head, *to = NULL;
  if (x->differs) return otherwise;
  const Scheduled *at = &self->scheduled;
  const Turn *t = x->next < x->n ? &x->turns[x->next++] : NULL;
  if (t != NULL && t->from == at->number && t->steps == at->steps && t->nth == at->turns && t->how == how) to = find(line, t->to);
  if (to == NULL) differ(x, self, how);
  return to != NULL ? to : otherwise;
}

static bool tick(Schedule *s, GilThread *self, bool others) {
  const GivenStrategy *x = s->data;
  return x->strict ? tick_strict(s, self, others) : tick_loose(s, self, others);
}

static GilThread *choose(Schedule *s, const GilQueue *line, unsigned n, GilThread *self, GilHow how) {
  (void)n;
  const GivenStrategy *x = s->data;
  return x->strict ? choose_strict(s, line, self, how) : choose_loose(s, line, self, how);
}

void given_begin(Schedule *s, GivenStrategy *x, const Turn *turns, uint64_t n, bool strict) {
  static const Strategy strategy = {.name = "given", .each = true, .tick = tick, .choose = choose};
  schedule_init(s, &strategy, 0);
  *x = (GivenStrategy){.turns = turns, .n = n, .strict = strict};
  s->data = x;
}
