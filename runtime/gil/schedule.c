/* Who is in line, who sleeps and what time it is, for a schedule. Who is next: its strategy. */
#include "runtime/gil/schedule.h"

#include <assert.h>

#include "runtime/gil/internal.h"

/* The program's clock begins here, not at 0, so that nobody takes it for a duration. */
enum { BEGIN_NS = 1000000000 };

static const uint64_t fnv_offset = 0xcbf29ce484222325, fnv_prime = 0x100000001b3;

void schedule_init(Schedule *s, const Strategy *strategy, uint64_t seed) {
  *s = (Schedule){.strategy = strategy, .seed = seed, .gap = 1, .limit = UINT64_MAX, .digest = fnv_offset};
  atomic_store_explicit(&s->now, BEGIN_NS, memory_order_relaxed);
  atomic_store_explicit(&s->next_due, CLOCK_NEVER, memory_order_relaxed);
}

static void advance(Schedule *s, int64_t ns) {
  atomic_store_explicit(&s->now, schedule_now(s) + ns, memory_order_relaxed); /* the owner alone writes it now */
}

bool schedule_tick(Schedule *s, GilThread *self, bool event) {
  s->steps += s->gap;
  self->scheduled.steps += s->gap;
  self->scheduled.turns = 0;
  advance(s, (int64_t)s->gap * STEP_NS);
  if (s->steps >= s->limit && s->over != NULL) s->over(s, self);
  s->event = event;
  if (!event && !s->strategy->each) return false;
  bool others = atomic_load_explicit(&s->ready, memory_order_relaxed) > 0 ||
                atomic_load_explicit(&s->next_due, memory_order_relaxed) <= schedule_now(s);
  s->events += event && others;
  return s->strategy->tick(s, self, others);
}

int64_t schedule_read(Schedule *s) {
  advance(s, READ_NS);
  return schedule_now(s);
}

static bool is_before(const GilThread *a, const GilThread *b) {
  if (a->scheduled.until != b->scheduled.until) return a->scheduled.until < b->scheduled.until;
  return a->scheduled.number < b->scheduled.number;
}

static void note_due(Schedule *s) {
  int64_t due = s->sleepers != NULL ? s->sleepers->scheduled.until : CLOCK_NEVER;
  atomic_store_explicit(&s->next_due, due, memory_order_relaxed);
}

static void add_sleeper(Schedule *s, GilThread *t) {
  GilThread *before = NULL, *after = s->sleepers;
  for (; after != NULL && is_before(after, t); after = after->scheduled.next) before = after;
  t->scheduled.prev = before;
  t->scheduled.next = after;
  if (after != NULL) after->scheduled.prev = t;
  if (before != NULL) before->scheduled.next = t;
  else s->sleepers = t;
  note_due(s);
}

static void remove_sleeper(Schedule *s, GilThread *t) {
  Scheduled *x = &t->scheduled;
  if (x->next != NULL) x->next->scheduled.prev = x->prev;
  if (x->prev != NULL) x->prev->scheduled.next = x->next;
  else s->sleepers = x->next;
  x->next = x->prev = NULL;
  note_due(s);
}

void schedule_park(Gil *g, GilThread *self) {
  self->scheduled.parked = true;
  if (self->scheduled.until != CLOCK_NEVER) add_sleeper(g->schedule, self);
}

static void end_wait(Schedule *s, GilThread *t) {
  if (!t->scheduled.parked) return;
  t->scheduled.parked = false;
  if (t->scheduled.until != CLOCK_NEVER) remove_sleeper(s, t);
}

void schedule_ready(Gil *g, GilThread *t) {
  end_wait(g->schedule, t);
  atomic_store_explicit(&g->schedule->ready, g->queued, memory_order_relaxed);
  atomic_fetch_add_explicit(&g->schedule->came, 1, memory_order_relaxed);
}

void schedule_out(Gil *g, GilThread *self) {
  self->scheduled.outside = true;
  g->schedule->outside++;
  g->schedule->was_outside = true;
}

void schedule_back(Gil *g, GilThread *self) {
  end_wait(g->schedule, self);
  if (!self->scheduled.outside) return;
  self->scheduled.outside = false;
  g->schedule->outside--;
}

GilThread *schedule_due(Gil *g) {
  Schedule *s = g->schedule;
  GilThread *t = s->sleepers;
  if (t == NULL) return NULL;
  bool everybody_waits = g->queued == 0 && s->outside == 0;
  if (t->scheduled.until > schedule_now(s)) {
    if (!everybody_waits) return NULL;
    atomic_store_explicit(&s->now, t->scheduled.until, memory_order_relaxed);
  }
  end_wait(s, t);
  return t;
}

static void mix(Schedule *s, uint64_t value) {
  for (int i = 0; i < 8; i++, value >>= 8) s->digest = (s->digest ^ (value & 0xff)) * fnv_prime;
}

static void note(Schedule *s, Scheduled *from, const Scheduled *to, GilHow how, bool first) {
  Turn turn = {.steps = from->steps, .from = (uint32_t)from->number, .to = (uint32_t)to->number, .nth = from->turns,
               .how = (uint16_t)how, .plain = how != GIL_YIELDED && first};
  if (how != GIL_YIELDED) from->turns++;
  if (s->nturns < s->room) s->turns[s->nturns] = turn;
  s->nturns++;
  mix(s, turn.steps);
  mix(s, (uint64_t)turn.from << 32 | turn.to);
  mix(s, (uint64_t)turn.nth << 32 | turn.how);
}

GilThread *schedule_choose(Gil *g, GilThread *self, GilHow how) {
  Schedule *s = g->schedule;
  if (g->queued == 0) return NULL;
  GilThread *t = s->strategy->choose(s, &g->ready, g->queued, self, how);
  assert(t->place == GIL_QUEUED);
  atomic_store_explicit(&s->ready, g->queued - 1, memory_order_relaxed);
  if (how != GIL_YIELDED || t != self) note(s, &self->scheduled, &t->scheduled, how, t == g->ready.head);
  return t;
}

GilThread *schedule_sleeper(const Gil *g) { return g->schedule->sleepers; }

int64_t schedule_alarm(const Gil *g) { return gil_real(g, g->schedule->sleepers->scheduled.until); }

bool schedule_jump(Gil *g, int64_t real) {
  Schedule *s = g->schedule;
  if (clock_ns() < real) return false;
  atomic_store_explicit(&s->now, s->sleepers->scheduled.until, memory_order_relaxed);
  return true;
}

bool schedule_hears(Gil *g, const GilThread *target, uint32_t bits) {
  pthread_mutex_lock(&g->m);
  bool hears = target->scheduled.parked && (target->scheduled.wanted & bits) != 0;
  pthread_mutex_unlock(&g->m);
  return hears;
}

int64_t gil_now(const Gil *g) { return g->schedule != NULL ? schedule_now(g->schedule) : clock_ns(); }

int64_t gil_deadline(const Gil *g, double seconds) {
  if (g->schedule == NULL) return clock_deadline(seconds);
  int64_t now = schedule_now(g->schedule);
  double ns = seconds * 1e9;
  return ns >= (double)(CLOCK_NEVER - now) ? CLOCK_NEVER : now + (int64_t)ns;
}

int64_t gil_real(const Gil *g, int64_t deadline) {
  if (g->schedule == NULL || deadline == CLOCK_NEVER) return deadline;
  int64_t left = deadline - schedule_now(g->schedule), now = clock_ns();
  return left < CLOCK_NEVER - now ? now + left : CLOCK_NEVER;
}
