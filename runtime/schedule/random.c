/* The random strategy: gaps, and an even choice. */
#include "runtime/schedule/draw.h"
#include "runtime/schedule/strategies.h"

static void draw_gap(Schedule *s, RandomStrategy *r) {
  r->left = 1 + draw_below(&r->state, UINT64_C(1) << draw_below(&r->state, r->span + 1));
  s->gap = r->steps ? 1 : (unsigned)r->left;
}

static bool tick(Schedule *s, GilThread *self, bool others) {
  (void)self;
  RandomStrategy *r = s->data;
  r->left -= s->gap;
  if (r->left > 0) return false;
  draw_gap(s, r);
  return others;
}

static GilThread *choose(Schedule *s, const GilQueue *line, unsigned n, GilThread *self, GilHow how) {
  (void)self, (void)how;
  RandomStrategy *r = s->data;
  GilThread *t = line->head;
  for (uint64_t i = n > 1 ? draw_below(&r->state, n) : 0; i > 0; i--) t = t->next;
  return t;
}

void random_begin(Schedule *s, RandomStrategy *r, uint64_t seed, unsigned span, bool steps) {
  static const Strategy strategy = {.name = "random", .tick = tick, .choose = choose};
  schedule_init(s, &strategy, seed);
  *r = (RandomStrategy){.state = seed, .span = span, .steps = steps};
  s->data = r;
  draw_gap(s, r);
}
