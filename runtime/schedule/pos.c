/* Partial order sampling: a priority for each event, drawn when its thread comes to it, and anew when one that it races
 * with happens first. */
#include "runtime/schedule/draw.h"
#include "runtime/schedule/strategies.h"

static uint64_t draw_priority(PosStrategy *p) { return draw(&p->state) | 1; }

static PosEvent *event_of(PosStrategy *p, const GilThread *t) {
  return t->scheduled.number < POS_THREADS ? &p->of[t->scheduled.number] : NULL;
}

static bool touches_same(const Touch *a, const Touch *b) {
  return a->object == b->object && (a->part == b->part || a->part == 0 || b->part == 0) && (a->writes || b->writes);
}

static bool race(const PosEvent *a, const PosEvent *b) {
  for (unsigned i = 0; i < a->touches.n; i++)
    for (unsigned k = 0; k < b->touches.n; k++)
      if (touches_same(&a->touches.at[i], &b->touches.at[k])) return true;
  return false;
}

static bool races_with_one(const PosStrategy *p, const PosEvent *event) {
  for (unsigned i = 0; event->touches.n > 0 && i < POS_THREADS; i++)
    if (p->of[i].waits && &p->of[i] != event && race(&p->of[i], event)) return true;
  return false;
}

static bool tick(Schedule *s, GilThread *self, bool others) {
  PosStrategy *p = s->data;
  PosEvent *event = event_of(p, self);
  self->scheduled.mark = draw_priority(p);
  if (event != NULL) event->touches = s->next;
  if (!others) return false;
  if (event != NULL && races_with_one(p, event)) return true; /* that one's priority is to be drawn anew */
  /* somebody has come since the last choice, or is due: it may be above */
  return self->scheduled.mark < p->best || atomic_load_explicit(&s->came, memory_order_relaxed) != p->seen ||
         atomic_load_explicit(&s->next_due, memory_order_relaxed) <= schedule_now(s);
}

/* The one that is chosen does its event now. */
static void draw_anew(PosStrategy *p, const GilQueue *line, const GilThread *chosen) {
  PosEvent *now = event_of(p, chosen);
  if (now == NULL) return;
  for (GilThread *t = line->head; t != NULL; t = t->next) {
    const PosEvent *event = event_of(p, t);
    if (t != chosen && event != NULL && event->waits && race(event, now)) t->scheduled.mark = draw_priority(p);
  }
  now->waits = false;
  now->touches.n = 0;
}

static void leave_event(PosStrategy *p, GilThread *self, GilHow how) {
  PosEvent *event = event_of(p, self);
  if (how != GIL_YIELDED) self->scheduled.mark = 0; /* what comes after the wait is another event */
  if (event == NULL) return;
  event->waits = how == GIL_YIELDED;
  if (how != GIL_YIELDED) event->touches.n = 0;
}

static GilThread *choose(Schedule *s, const GilQueue *line, unsigned n, GilThread *self, GilHow how) {
  (void)n;
  PosStrategy *p = s->data;
  GilThread *best = NULL;
  leave_event(p, self, how);
  for (GilThread *t = line->head; t != NULL; t = t->next) {
    if (t->scheduled.mark == 0) t->scheduled.mark = draw_priority(p);
    if (best == NULL || t->scheduled.mark > best->scheduled.mark) best = t;
  }
  draw_anew(p, line, best);
  p->best = 0;
  for (GilThread *t = line->head; t != NULL; t = t->next)
    if (t != best && t->scheduled.mark > p->best) p->best = t->scheduled.mark;
  p->seen = atomic_load_explicit(&s->came, memory_order_relaxed);
  return best;
}

void pos_begin(Schedule *s, PosStrategy *p, uint64_t seed) {
  static const Strategy strategy = {.name = "pos", .tick = tick, .choose = choose};
  schedule_init(s, &strategy, seed);
  *p = (PosStrategy){.state = seed};
  s->data = p;
}
